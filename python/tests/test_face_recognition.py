"""The layer under face_recognition's name, and its commands, on drawn people."""

import os
import subprocess
import sys

import numpy as np
import pytest
from drawn import nobody, picture, portrait
from PIL import Image

import likeness
from likeness.compat import NotOfferedError, face_recognition


@pytest.fixture
def drawn(packs):
    face_recognition.configure(model="tiny", models=packs, threads=2)
    yield face_recognition
    face_recognition.configure()


@pytest.fixture
def folders(tmp_path):
    for folder in ("known", "unknown"):
        (tmp_path / folder).mkdir()
    for name, person in [("Ann Lee", 1), ("Bo", 2)]:
        Image.fromarray(portrait(person, person)).save(tmp_path / "known" / f"{name}.png")
    Image.fromarray(nobody(3)).save(tmp_path / "known" / "nobody.jpg")
    Image.fromarray(picture([1, 2], 7, width=320)[0]).save(tmp_path / "unknown" / "both.png")
    Image.fromarray(portrait(8, 5)).save(tmp_path / "unknown" / "stranger.png")
    Image.fromarray(nobody(6)).save(tmp_path / "unknown" / "empty.JPEG")
    (tmp_path / "unknown" / "notes.txt").write_text("no photo")
    return tmp_path


def test_locations_are_the_detectors_boxes(drawn, packs):
    pixels, _ = picture([1, 4], 3, width=320)
    found = drawn.face_locations(pixels)
    assert all(type(face) is tuple and [type(side) for side in face] == [int] * 4 for face in found)
    boxes = [face.box for face in likeness.Detector(min_face_px=40, models=packs).detect(pixels)]
    assert found == [tuple(round(s) for s in (b.top, b.right, b.bottom, b.left)) for b in boxes]
    assert drawn.face_locations(pixels, 2, model="cnn") != []
    assert drawn.face_locations(pixels[:, :, ::-1][:, :, ::-1]) == found
    assert drawn.face_locations(nobody(1)) == []
    assert drawn.batch_face_locations([pixels, nobody(1)], batch_size=2) == [found, []]
    small, _ = picture([1], 3, each=30)
    assert drawn.face_locations(small, number_of_times_to_upsample=0) == []  # of 80 pixels at least
    assert len(drawn.face_locations(small, number_of_times_to_upsample=2)) == 1  # of 20


def test_a_box_over_the_edge_is_cut(drawn):
    pixels = portrait(1, 5)
    top, right, bottom, left = drawn.face_locations(pixels, 2)[0]
    cut = pixels[top + 4 :, left + 3 :]
    assert min(*drawn.face_locations(cut, 2)[0]) == 0


def test_the_tolerance_is_the_calibrated_threshold(drawn, packs):
    recognizer = likeness.Recognizer("tiny", models=packs, min_face_px=40)
    limit = recognizer.verification_threshold(0.001)
    sides = [portrait(1, 5), portrait(1, 9), portrait(2, 6), portrait(8, 4)]
    encodings = [drawn.face_encodings(side)[0] for side in sides]
    for i, a in enumerate(sides):
        for j, b in enumerate(sides):
            similarity = recognizer.verify(a, b).similarity
            distance = drawn.face_distance([encodings[i]], encodings[j])[0]
            assert distance == pytest.approx(0.6 * np.sqrt(max(0, 1 - similarity) / (1 - limit)), abs=1e-3)
            assert drawn.compare_faces([encodings[i]], encodings[j]) == [similarity >= limit]
    assert drawn.compare_faces(encodings, encodings[0]) == [True, True, False, False]


def test_encodings_of_given_locations(drawn):
    pixels, _ = picture([1, 4], 3, width=320)
    encodings = drawn.face_encodings(pixels)
    assert [(e.shape, e.dtype) for e in encodings] == [((16,), np.float64)] * 2
    locations = drawn.face_locations(pixels)
    again = drawn.face_encodings(pixels, locations[::-1], model="large")
    assert np.array_equal(again[0], encodings[1])
    assert np.array_equal(again[1], encodings[0])
    top, right, bottom, left = locations[0]
    near = drawn.face_encodings(pixels, [(top + 2, right - 2, bottom + 1, left - 1)])[0]
    assert np.array_equal(near, encodings[0])
    assert len(drawn.face_encodings(nobody(1), [(10, 90, 100, 20)])) == 1  # as dlib, which encodes whatever is there
    assert drawn.face_encodings(nobody(1)) == drawn.face_encodings(pixels, []) == []


def test_jittered_encodings_stay_the_same_person(drawn):
    pixels = portrait(1, 5)
    plain, moved, again = (drawn.face_encodings(pixels, num_jitters=n)[0] for n in (1, 6, 6))
    assert np.array_equal(moved, again)
    assert 1e-4 < np.linalg.norm(moved - plain) < 0.3
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(plain))


def test_five_landmarks_and_not_68(drawn):
    pixels = portrait(1, 5)
    (points,) = drawn.face_landmarks(pixels, model="small")
    assert {name: len(places) for name, places in points.items()} == {"nose_tip": 1, "left_eye": 2, "right_eye": 2}
    assert all(type(p) is tuple and [type(v) for v in p] == [int, int] for places in points.values() for p in places)
    xs = [points["left_eye"][0], points["left_eye"][1], points["nose_tip"][0], points["right_eye"][1], points["right_eye"][0]]
    assert xs == sorted(xs)  # from left to right in the picture
    with pytest.raises(NotOfferedError, match="68 landmarks"):
        drawn.face_landmarks(pixels)
    with pytest.raises(ValueError, match="Invalid landmarks model type"):
        drawn.face_landmarks(pixels, model="tiny")


def test_files_are_read_as_pillow_reads_them(drawn, tmp_path):
    Image.fromarray(portrait(1, 5)).save(tmp_path / "a.png")
    with open(tmp_path / "a.png", "rb") as file:
        assert np.array_equal(drawn.load_image_file(file), portrait(1, 5))
    grey = drawn.load_image_file(str(tmp_path / "a.png"), mode="L")
    assert np.array_equal(grey, np.asarray(Image.open(tmp_path / "a.png").convert("L")))
    place = [(20, 110, 100, 50)]
    assert np.array_equal(drawn.face_encodings(grey, place), drawn.face_encodings(np.stack([grey] * 3, 2), place))
    with pytest.raises(FileNotFoundError, match=r"b\.png"):
        drawn.load_image_file(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_text("no photo")
    with pytest.raises(likeness.ImageUnreadableError, match=r"c\.jpg"):
        drawn.load_image_file(tmp_path / "c.jpg")
    with pytest.raises(NotOfferedError, match="CMYK"):
        drawn.load_image_file(tmp_path / "a.png", mode="CMYK")


@pytest.mark.parametrize(
    ("work", "error", "words"),
    [
        (lambda m: m.face_locations("a.jpg"), TypeError, "img: an array of pixels wanted, not str"),
        (lambda m: m.face_locations(np.zeros((9, 9, 3))), TypeError, "img: uint8 pixels wanted, float64 given"),
        (lambda m: m.face_encodings(np.zeros((9, 9, 4), np.uint8)), ValueError, "face_image: RGB or grey"),
        (lambda m: m.face_encodings(np.zeros((9, 9, 2), np.uint8)), ValueError, "face_image: 1, 3 or 4 channels"),
        (lambda m: m.face_locations(nobody(1), 1.5), TypeError, "number_of_times_to_upsample"),
        (lambda m: m.face_locations(nobody(1), -1), ValueError, "number_of_times_to_upsample"),
        (lambda m: m.face_encodings(nobody(1), [(0, 9, 9)]), ValueError, r"known_face_locations\[0\]"),
        (lambda m: m.face_encodings(nobody(1), [(0, 9, 9, 0), (9, 0, 0, 9)]), ValueError, r"known_face_locations\[1\]"),
        (lambda m: m.face_distance([np.zeros(128)], np.zeros(64)), ValueError, r"face_to_compare: shape \(64,\)"),
        (lambda m: m.compare_faces([np.zeros(4)], np.full(4, np.nan)), ValueError, "face_to_compare: values"),
    ],
)
def test_wrong_arguments_are_named(drawn, work, error, words):
    with pytest.raises(error, match=words):
        work(drawn)


def test_nobody_known_is_an_empty_list(drawn):
    assert drawn.compare_faces([], np.zeros(128)) == []
    assert drawn.face_distance([], np.zeros(128)).shape == (0,)


def test_the_command_names_the_people_of_a_folder(drawn, folders, capsys):
    from likeness.compat import _face_recognition_commands as commands

    known, unknown = str(folders / "known"), str(folders / "unknown")
    assert commands.recognition([known, unknown, "--cpus", "2"]) == 0
    told = capsys.readouterr().out.replace(unknown, "U").replace(known, "K").splitlines()
    assert told[0] == "WARNING: No faces found in K/nobody.jpg. Ignoring file."
    assert sorted(told[1:]) == ["U/both.png,Ann Lee", "U/both.png,Bo", "U/empty.JPEG,no_persons_found",
                                "U/stranger.png,unknown_person"]
    assert commands.recognition([known, unknown + "/stranger.png", "--show-distance", "true"]) == 0
    assert capsys.readouterr().out.endswith("stranger.png,unknown_person,None\n")
    assert commands.recognition([known, unknown + "/stranger.png", "--tolerance", "9", "--show-distance", "yes"]) == 0
    told = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line[1] for line in told] == ["Ann Lee", "Bo"]
    assert all(0.6 < float(line[2]) < 9 for line in told)


def test_the_command_goes_on_after_a_photo_it_cannot_read(drawn, folders, capsys):
    from likeness.compat import _face_recognition_commands as commands

    (folders / "unknown" / "broken.jpg").write_bytes(b"\xff\xd8 cut short")
    assert commands.recognition([str(folders / "known"), str(folders / "unknown")]) == 1
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 5
    assert told.err.count("\n") == 1
    assert "broken.jpg" in told.err
    with pytest.raises(SystemExit) as ended:
        commands.recognition([str(folders / "absent"), str(folders / "unknown")])
    assert ended.value.code == 2
    assert "there is no" in capsys.readouterr().err
    face_recognition.configure(model="absent", models=folders)
    assert commands.recognition([str(folders / "known"), str(folders / "unknown")]) == 4
    assert "python -m likeness setup" in capsys.readouterr().err


def test_the_commands_as_processes(models, folders):
    def run(*arguments):
        return subprocess.run([sys.executable, "-W", "error", "-m", *arguments], capture_output=True, text=True,
                              env={**os.environ, "LIKENESS_MODELS": str(models),
                                   "PYTHONPATH": ":".join(p for p in sys.path if p)})

    ended = run("likeness.compat.face_recognition", str(folders / "known"), str(folders / "unknown" / "empty.JPEG"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("empty.JPEG,no_persons_found\n")
    ended = run("likeness.compat.face_detection", str(folders / "unknown" / "empty.JPEG"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_readme_example(models, shared):
    """Of face_recognition 1.3.0, with the photos of its own tests."""
    photos = shared / "data" / "photos" / "face_recognition" / "test_images"
    face_recognition.configure(models=models)
    picture_of_me = face_recognition.load_image_file(photos / "obama.jpg")
    my_face_encoding = face_recognition.face_encodings(picture_of_me)[0]
    assert my_face_encoding.shape == (128,)
    for name, same in [("obama2.jpg", True), ("obama_partial_face.jpg", True), ("biden.jpg", False)]:
        unknown_picture = face_recognition.load_image_file(photos / name)
        unknown_face_encoding = face_recognition.face_encodings(unknown_picture)[0]
        assert face_recognition.compare_faces([my_face_encoding], unknown_face_encoding) == [same]
    face_recognition.configure()
