"""Runs the example of face_recognition's README and tells what came: tell_face_recognition.py MODULE PHOTOS."""

import importlib
import pathlib
import sys

from form import error_of, form, signature, tell

face_recognition = importlib.import_module(sys.argv[1])
photos = pathlib.Path(sys.argv[2])

names = ["load_image_file", "face_locations", "batch_face_locations", "face_landmarks", "face_encodings",
         "compare_faces", "face_distance"]

# README, "Automatically find all the faces in an image".
image = face_recognition.load_image_file(str(photos / "obama.jpg"))
face_locations = face_recognition.face_locations(image)
small = image[::4, ::4].copy()
accurate = face_recognition.face_locations(small, 0, model="cnn")
batch = face_recognition.batch_face_locations([small, small], 0, batch_size=2)
# "Automatically locate the facial features of a person in an image", with the model that both have.
landmarks = face_recognition.face_landmarks(image, model="small")
given = face_recognition.face_landmarks(image, face_locations, "small")
# "Recognize faces in images and identify who they are".
picture_of_me = face_recognition.load_image_file(str(photos / "obama.jpg"))
my_face_encoding = face_recognition.face_encodings(picture_of_me)[0]
unknown_picture = face_recognition.load_image_file(str(photos / "obama2.jpg"))
unknown_face_encoding = face_recognition.face_encodings(unknown_picture)[0]
results = face_recognition.compare_faces([my_face_encoding], unknown_face_encoding)
if results[0] == True:  # noqa: E712 - as in the README
    said = "It's a picture of me!"
else:
    said = "It's not a picture of me!"

other = face_recognition.face_encodings(face_recognition.load_image_file(str(photos / "biden.jpg")))[0]
known = [my_face_encoding, other]
nobody = image[:60, :60].copy()
tell(
    signatures={name: signature(getattr(face_recognition, name)) for name in names},
    image=form(image),
    grey=form(face_recognition.load_image_file(str(photos / "obama.jpg"), mode="L")),
    opened=form(face_recognition.load_image_file(open(photos / "32bit.png", "rb"))),  # noqa: SIM115
    face_locations=form(face_locations),
    accurate=form(accurate),
    batch=form(batch),
    landmarks=form(landmarks),
    given=form(given),
    encodings=form(face_recognition.face_encodings(image)),
    known_encodings=form(face_recognition.face_encodings(image, face_locations, num_jitters=2, model="small")),
    results=form(results),
    said=said,
    distance=form(face_recognition.face_distance(known, unknown_face_encoding)),
    same=[bool(same) for same in face_recognition.compare_faces(known, unknown_face_encoding)],
    strict=[bool(same) for same in face_recognition.compare_faces(known, unknown_face_encoding, tolerance=0.05)],
    nobody=[form(face_recognition.face_locations(nobody)), form(face_recognition.face_encodings(nobody)),
            form(face_recognition.face_landmarks(nobody, model="small"))],
    nobody_known=[form(face_recognition.face_distance([], other)), form(face_recognition.compare_faces([], other))],
    errors=[error_of(lambda: face_recognition.load_image_file(str(photos / "absent.jpg"))),
            error_of(lambda: face_recognition.face_landmarks(image, model="tiny"))],
    values={"locations": face_locations, "landmarks": landmarks},
)
