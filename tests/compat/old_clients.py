"""compreface-sdk 0.6.0, deepstack-python 0.8 and codeproject-ai-api 0.1, as PyPI has them.

old_clients.py keyed | keyless      the server has keys, or none
"""

import sys

import codeprojectai.core
import deepstack.core
from common import KEY, PORT, equal, in_files, no_face, people, raises, sample, two_faces
from compreface import CompreFace


def compreface():
    api = CompreFace("http://127.0.0.1", str(PORT))
    recognition = api.init_face_recognition(KEY)
    subjects, faces = recognition.get_subjects(), recognition.get_face_collection()

    equal(subjects.list(), {"subjects": []})
    equal(subjects.add("Barack"), {"subject": "Barack"})
    equal(subjects.add("Barack")["code"], 43)
    equal(subjects.list(), {"subjects": ["Barack"]})
    first = faces.add(sample("obama.jpg"), "Barack")
    equal(first["subject"], "Barack")
    assert len(first["image_id"]) == 36, first
    second = faces.add(sample("obama2.jpg"), "Barack", {"det_prob_threshold": 0.8})
    equal([face["image_id"] for face in faces.list()["faces"]], [first["image_id"], second["image_id"]])

    # Biden is a stranger: the nearest is told, and no client takes him for Obama.
    nearest = recognition.recognize(sample("biden.jpg"))["result"][0]["subjects"][0]
    equal(nearest["subject"], "Barack")
    assert nearest["similarity"] < 0.4, nearest
    found = recognition.recognize(
        sample("obama3.jpg"), {"limit": 1, "face_plugins": "landmarks,age,calculator", "status": "true"}
    )
    one = found["result"][0]
    equal(one["subjects"][0]["subject"], "Barack")
    assert one["subjects"][0]["similarity"] > 0.9, one["subjects"]
    equal((len(one["landmarks"]), len(one["embedding"])), (5, 128))
    assert "age" not in one and "plugins_versions" in found
    faces.add(sample("biden.jpg"), "Joe Biden")
    both = recognition.recognize(two_faces(), {"prediction_count": 2, "det_prob_threshold": 0.99})["result"]
    equal(sorted(face["subjects"][0]["subject"] for face in both), ["Barack", "Joe Biden"])
    equal(len(both[0]["subjects"]), 2)

    equal(faces.add(no_face(), "Barack")["code"], 28)
    equal(faces.add(two_faces(), "Barack")["code"], 31)
    equal(recognition.recognize(no_face())["code"], 28)
    equal(faces.add(__file__, "Barack")["code"], 21)
    assert faces.verify(sample("obama3.jpg"), first["image_id"])["result"][0]["similarity"] > 0.9
    assert faces.verify(sample("biden.jpg"), first["image_id"])["result"][0]["similarity"] < 0.4
    equal(faces.verify(sample("biden.jpg"), "8b8f4d1e-0000-8000-8000-000000000001")["code"], 44)

    verification = api.init_face_verification(KEY)
    same = verification.verify(sample("obama2.jpg"), sample("obama3.jpg"))["result"][0]
    assert same["face_matches"][0]["similarity"] > 0.9 and "box" in same["source_image_face"], same
    other = verification.verify(sample("obama2.jpg"), sample("biden.jpg"))["result"][0]
    assert other["face_matches"][0]["similarity"] < 0.4, other
    detected = api.init_face_detection(KEY).detect(two_faces(), {"det_prob_threshold": 0.99})["result"]
    equal(len(detected), 2)

    # Renamed, then merged by renaming onto a name that is taken.
    equal(subjects.update("Barack", "Büro/Obama"), {"updated": True})
    equal(people(), ["Büro/Obama", "Joe Biden"])
    faces.add(sample("obama3.jpg"), "Obama")
    equal(subjects.update("Büro/Obama", "Obama"), {"updated": True})
    equal(subjects.list(), {"subjects": ["Joe Biden", "Obama"]})
    equal(len(faces.list()["faces"]), 4)
    equal(subjects.update("Nobody", "Obama")["code"], 42)

    equal(faces.delete(first["image_id"]), {"image_id": first["image_id"], "subject": "Obama"})
    equal(faces.delete(first["image_id"])["code"], 44)
    assert in_files("Joe Biden")
    equal(subjects.delete("Joe Biden"), {"subject": "Joe Biden"})
    assert not in_files("Joe Biden") and not in_files("biden.jpg")
    equal(faces.delete_all("Obama"), {"deleted": 2})
    equal(subjects.list(), {"subjects": []})
    assert not in_files("Obama") and not in_files("obama3.jpg")
    stranger = CompreFace("http://127.0.0.1", str(PORT)).init_face_recognition("00000000-0000-0000-0000-000000000002")
    equal(stranger.get_subjects().list()["code"], 10)


def left_to_right(predictions, count):
    """So many faces, as they stand in the photo."""
    equal(len(predictions), count)
    return sorted(predictions, key=lambda face: face["x_min"])


def deepstack_face():
    face = deepstack.core.DeepstackFace(ip="127.0.0.1", port=PORT, api_key=KEY, timeout=60)
    with open(sample("obama.jpg"), "rb") as photo:
        equal(face.register("Barack", photo.read()), "face added")
    photos = {name: open(sample(name), "rb").read() for name in ("obama3.jpg", "biden.jpg")}
    best = face.recognize(photos["obama3.jpg"])[0]
    equal(best["userid"], "Barack")
    assert best["confidence"] >= 0.67, best
    unknown = face.recognize(photos["biden.jpg"])[0]
    equal((unknown["userid"], unknown["confidence"]), ("unknown", 0))
    equal(deepstack.core.get_recognized_faces([best, unknown]), {"Barack": round(best["confidence"] * 100, 1)})
    equal(len(face.detect(photos["biden.jpg"])), 1)
    empty = open(no_face(), "rb").read()
    equal(face.detect(empty), [])
    equal(face.recognize(empty), [])
    raises(deepstack.core.DeepstackException, lambda: face.register("Nobody", empty))
    both = open(two_faces(), "rb").read()
    known, stranger = left_to_right(face.recognize(both), 2)
    equal((known["userid"], stranger["userid"], stranger["confidence"]), ("Barack", "unknown", 0))
    sure = deepstack.core.DeepstackFace(ip="127.0.0.1", port=PORT, api_key=KEY, timeout=60, min_confidence=0.99)
    left_to_right(sure.detect(both), 2)
    wrong = deepstack.core.DeepstackFace(ip="127.0.0.1", port=PORT, api_key="wrong")
    raises(deepstack.core.DeepstackException, lambda: wrong.recognize(empty))

    import requests

    def ask(path, **data):
        return requests.post(f"http://127.0.0.1:{PORT}/v1/vision/face/{path}", data={"api_key": KEY, **data}).json()

    equal(ask("list")["faces"], ["Barack"])
    equal(ask("delete", userid="Barack")["success"], True)
    assert not in_files("Barack")
    equal(ask("list")["faces"], [])


def codeproject():
    face = codeprojectai.core.CodeProjectAIFace(ip="127.0.0.1", port=PORT, timeout=60)
    with open(sample("biden.jpg"), "rb") as photo:
        face.register("Joe", photo.read())
    with open(sample("biden.jpg"), "rb") as photo:
        equal(face.recognize(photo.read())[0]["userid"], "Joe")
    with open(sample("obama3.jpg"), "rb") as photo:
        equal(face.recognize(photo.read())[0]["userid"], "unknown")
    listed = face.get_registered_faces()
    assert "Joe" in str(listed), listed
    with open(no_face(), "rb") as photo:
        empty = photo.read()
    equal(face.detect(empty), [])
    equal(face.recognize(empty), [])
    with open(two_faces(), "rb") as photo:
        both = photo.read()
    stranger, joe = left_to_right(face.recognize(both), 2)
    equal((stranger["userid"], stranger["confidence"], joe["userid"]), ("unknown", 0, "Joe"))
    with open(sample("obama.jpg"), "rb") as photo:
        face.register("Barack", photo.read())
    equal([one["userid"] for one in left_to_right(face.recognize(both), 2)], ["Barack", "Joe"])


if sys.argv[1] == "keyed":
    compreface()
    deepstack_face()
else:
    codeproject()
