"""The layers under other packages' names: their README's examples, keys, types, shapes, and stored references."""

import json

import numpy as np
import pytest
from drawn import nobody, picture, portrait

import likeness
from likeness.compat import NotOfferedError, deepface, mtcnn, mtcnn_v1

NAMES = {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"}


def test_mtcnn_tells_what_the_package_tells(packs):
    pixels, _ = picture([1, 4], 3, width=320)
    detector = mtcnn.MTCNN(models=packs)
    faces = detector.detect_faces(pixels)
    assert len(faces) == 2
    for face in faces:
        assert list(face) == ["box", "confidence", "keypoints"]
        assert [type(v) for v in face["box"]] == [int] * 4
        assert isinstance(face["confidence"], float)
        assert set(face["keypoints"]) == NAMES
        assert all(type(p) is tuple and [type(v) for v in p] == [int, int] for p in face["keypoints"].values())
    assert detector.detect_faces(nobody(1)) == []
    with pytest.raises(mtcnn.InvalidImage):
        detector.detect_faces("photo.jpg")
    with pytest.raises(NotOfferedError, match="weights_file"):
        mtcnn.MTCNN("weights.npy")
    detector.min_face_size = 300
    assert detector.detect_faces(pixels) == []


def test_mtcnn_finds_the_stored_boxes_on_20_photos(models, shared):
    """Of mtcnn 0.1.1 itself, run once; its ints are its floats cut."""
    reference = json.loads((shared / "reference" / "detections_photos.json").read_text())
    detector = mtcnn.MTCNN(models=models)
    seen = 0
    for photo in [p for p in reference["photos"] if p["min_face_size"] == 20 and p["size"][0] <= 1000][:20]:
        pixels = likeness.read_image(shared / "data" / "photos" / photo["file"])
        found = detector.detect_faces(pixels)
        assert len(found) == len(photo["faces"]), photo["file"]
        for ours, theirs in zip(found, photo["faces"]):
            left, top, right, bottom = theirs["box"]
            x, y = max(0, int(left)), max(0, int(top))
            assert np.abs(np.subtract(ours["box"], [x, y, int(right - x), int(bottom - y)])).max() <= 1
            assert np.abs(np.subtract([ours["keypoints"][n] for n in mtcnn._KEYPOINTS],
                                      np.trunc(theirs["landmarks"]))).max() <= 1
            seen += 1
    assert seen >= 20


def test_mtcnn_v1_tells_what_the_package_tells(packs):
    pixels, _ = picture([1, 4], 3, width=320)
    detector = mtcnn_v1.MTCNN(device="CPU:0", models=packs)
    faces = detector.detect_faces(pixels)
    assert len(faces) == 2
    assert all(type(p) is list for p in faces[0]["keypoints"].values())
    batch = detector.detect_faces([pixels, nobody(1)])
    assert batch == [faces, []]
    xyxy = detector.detect_faces(pixels, box_format="xyxy")[0]["box"]
    x, y, w, h = faces[0]["box"]
    assert xyxy == [x, y, x + w, y + h]
    array = detector.predict([pixels], output_type="numpy")
    assert array.shape == (2, 16)
    assert np.round(array[0, 1:5]).astype(int).tolist() == pytest.approx(faces[0]["box"], abs=1)
    assert detector.detect_faces(pixels, threshold_onet=1.0) == []
    with pytest.raises(ValueError, match="Invalid stages option"):
        mtcnn_v1.MTCNN(stages="all")
    with pytest.raises(NotOfferedError, match="face_detection_only"):
        mtcnn_v1.MTCNN(stages="face_detection_only")
    with pytest.raises(TypeError, match="colour"):
        detector.detect_faces(pixels, colour=1)


def test_keras_facenet(models, shared):
    from likeness.compat.keras_facenet import FaceNet

    embedder = FaceNet("20180408-102900", models=models)
    path = str(shared / "data" / "photos" / "face_recognition" / "test_images" / "obama.jpg")
    detections = embedder.extract(path, threshold=0.95)
    assert len(detections) == 1
    assert set(detections[0]) == {"box", "confidence", "keypoints", "embedding"}
    assert detections[0]["embedding"].shape == (512,)
    again = embedder.extract(path.replace("obama", "obama2"))[0]["embedding"]
    other = embedder.extract(path.replace("obama", "biden"))[0]["embedding"]
    assert embedder.compute_distance(detections[0]["embedding"], again) < 0.4
    assert embedder.compute_distance(detections[0]["embedding"], other) > 0.6
    with np.load(shared / "data" / "five-celebrity" / "5-celebrity-faces-dataset.npz") as file:
        crops = file["arr_2"]
    rows = embedder.embeddings(crops)
    assert rows.shape == (25, 512)
    # TensorFlow's own on the same crops, which divides by 128 as the weights were trained: near, but not equal.
    with np.load(shared / "reference" / "embeddings_20180408_five_celebrity.npz") as file:
        stored = file["val"]
    assert 1e-4 < np.abs(rows - stored).max() < 2e-2
    assert np.allclose(likeness.Embedder(models=models).embed(crops), stored, atol=1e-5)
    with pytest.raises(NotOfferedError, match="20180402"):
        FaceNet("20180402-114759", models=models)


@pytest.fixture
def drawn_deepface(packs, monkeypatch):
    deepface.configure(model="tiny", models=packs, threads=2)
    yield deepface.DeepFace
    deepface.configure()


@pytest.fixture
def folder(tmp_path):
    for person in range(3):
        for i in range(2):
            (tmp_path / f"{person}_{i}.png").write_bytes(likeness._native.encode_png(portrait(person, 30 * person + i)))
    return tmp_path


def test_deepface_verifies(drawn_deepface, folder):
    result = drawn_deepface.verify(img1_path=str(folder / "0_0.png"), img2_path=str(folder / "0_1.png"))
    assert list(result) == ["verified", "distance", "threshold", "confidence", "model", "detector_backend",
                            "similarity_metric", "facial_areas", "time"]
    assert result["verified"] is True
    assert result["threshold"] == 0.30
    assert 51 <= result["confidence"] <= 100
    assert set(result["facial_areas"]["img1"]) == {"x", "y", "w", "h", "left_eye", "right_eye"}
    for metric in deepface.THRESHOLDS:
        other = drawn_deepface.verify(str(folder / "0_0.png"), portrait(1, 30)[:, :, ::-1], distance_metric=metric)
        assert other["verified"] is False
        assert other["confidence"] <= 49
        assert other["distance"] > other["threshold"] == deepface.THRESHOLDS[metric]


def test_deepface_threshold_is_the_calibrated_one(drawn_deepface):
    limit = deepface._engine.recognizer.verification_threshold(0.001)
    a, b = np.zeros(16), np.zeros(16)
    a[0], b[0], b[1] = 1, limit, np.sqrt(1 - limit**2)
    for metric, threshold in deepface.THRESHOLDS.items():
        assert deepface.find_distance(a, b, metric) == pytest.approx(threshold)


def test_deepface_represents_and_extracts(drawn_deepface, folder):
    path = str(folder / "0_0.png")
    (face,) = drawn_deepface.represent(path)
    assert set(face) == {"embedding", "facial_area", "face_confidence"}
    assert type(face["embedding"]) is list
    assert type(face["embedding"][0]) is float
    assert drawn_deepface.verify(face["embedding"], path)["distance"] == pytest.approx(0, abs=1e-5)
    (cut,) = drawn_deepface.extract_faces(path)
    assert set(cut) == {"face", "facial_area", "confidence"}
    assert cut["face"].dtype == np.float64
    assert 0 <= cut["face"].min() < cut["face"].max() <= 1
    assert drawn_deepface.extract_faces(path, color_face="gray")[0]["face"].ndim == 2
    assert len(drawn_deepface.represent([path, path])) == 2
    with pytest.raises(ValueError, match="Face could not be detected"):
        drawn_deepface.represent(nobody(1))
    assert drawn_deepface.represent(nobody(1), enforce_detection=False)[0]["face_confidence"] == 0


def test_deepface_finds(drawn_deepface, folder):
    (rows,) = drawn_deepface.find(portrait(1, 77)[:, :, ::-1], db_path=str(folder), return_type="dict")
    assert [r["identity"][-7:] for r in rows if r["distance"] <= 0.3] == [r["identity"][-7:] for r in rows]
    assert {r["identity"][-7] for r in rows} == {"1"}
    assert set(rows[0]) == {"identity", "hash", "target_x", "target_y", "target_w", "target_h", "threshold", "source_x",
                            "source_y", "source_w", "source_h", "distance", "confidence"}
    (rows,) = drawn_deepface.find(portrait(1, 77)[:, :, ::-1], str(folder), similarity_search=True, k=5, return_type="dict")
    assert len(rows) == 5
    pandas = pytest.importorskip("pandas")
    (frame,) = drawn_deepface.find(portrait(1, 77)[:, :, ::-1], str(folder))
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 2


def test_deepface_registers_and_searches(drawn_deepface, folder, tmp_path):
    gallery = str(tmp_path / "faces.gallery")
    for name, inserted in [("0_0.png", 1), ("1_0.png", 1), ("0_0.png", 0)]:
        result = drawn_deepface.register(str(folder / name), connection_details=gallery)
        assert result == {"inserted": inserted}
    (rows,) = drawn_deepface.search(str(folder / "0_1.png"), connection_details=gallery, return_type="dict")
    assert [r["img_name"][-7:] for r in rows] == ["0_0.png"]
    assert {"id", "model_name", "search_method", "target_w", "distance", "confidence"} <= set(rows[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"model_name": "VGG-Face"}, "VGG-Face"), ({"detector_backend": "opencv"}, "opencv"),
     ({"anti_spoofing": True}, "anti_spoofing"), ({"normalization": "raw"}, "raw")],
)
def test_deepface_names_what_is_not_offered(drawn_deepface, options, words):
    with pytest.raises(NotOfferedError, match=words):
        drawn_deepface.represent(portrait(1, 1), **options)
    with pytest.raises(NotOfferedError, match="age"):
        drawn_deepface.analyze("photo.jpg")
