"""Galleries, classifiers, packs, .npz files, figures and errors."""

import pickle

import numpy as np
import pytest
from drawn import portrait

import likeness
from likeness import _native


def test_every_code_has_a_class_of_its_own():
    seen = set()
    for number, code in enumerate(_native._CODES):
        with pytest.raises(likeness.Error) as caught:
            _native._raise(number)
        assert caught.value.code == code
        assert caught.value.__doc__ or type(caught.value).__doc__
        seen.add(type(caught.value))
    assert len(seen) == len(_native._CODES) == 10


def test_people_come_and_go(people, recognizer):
    assert people.people == {f"person_{p}": 3 for p in range(4)}
    assert "person_1" in people
    before = people.version
    assert people.rename_person("person_1", "Bo")
    assert not people.rename_person("person_1", "Cy")
    with pytest.raises(likeness.DataInvalidError):
        people.rename_person("Bo", "person_2")
    assert people.merge_people("Bo", "person_2")
    assert people.people["person_2"] == 6
    assert people.remove_person("person_3")
    assert not people.remove_person("nobody")
    assert people.version > before
    assert people.embeddings("person_2").shape == (6, recognizer.space.dimension)
    assert people.embeddings("nobody").shape == (0, recognizer.space.dimension)
    assert people.check() == []
    row = recognizer.find(portrait(0, 55))[0].embedding[None]
    (found,) = people.search(row, count=2)
    assert [m.name for m in found][0] == "person_0"
    (faces,) = people.nearest(row, count=3)
    assert [m.name for m in faces] == ["person_0"] * 3
    assert faces[0].cosine >= faces[1].cosine
    assert people.remove_face(faces[0].face)
    assert people.people["person_0"] == 2


def test_encrypted_galleries(recognizer, tmp_path):
    path = tmp_path / "secret.gallery"
    gallery = likeness.Gallery.create(path, recognizer.space, passphrase="of ours")
    recognizer.enrol(gallery, "Ann", portrait(1, 1), review="off")
    del gallery
    with pytest.raises(likeness.DataInvalidError, match="secret.gallery") as caught:
        likeness.Gallery.open(path)
    assert caught.value.remedy == "give_passphrase"
    assert likeness.Gallery.open(path, passphrase="of ours").people == {"Ann": 1}
    with pytest.raises(likeness.InputUnreadableError, match="nowhere"):
        likeness.Gallery.open(tmp_path / "nowhere")


def test_calibrates(recognizer, people):
    strangers = np.concatenate([
        np.stack([recognizer.find(portrait(p, 100 * p + i))[0].embedding for i in range(4)]) for p in range(5, 15)
    ])
    names = [f"stranger_{i // 4}" for i in range(40)]
    with pytest.raises(likeness.DataInvalidError, match="40"):
        people.calibrate(strangers, names, target_fpir=0.01)
    assert people.calibration is None
    made = people.calibrate(strangers, names, target_fpir=0.1)
    assert made == people.calibration
    (found,) = recognizer.search(people, portrait(1, 95))
    assert found.name == "person_1"
    assert 0.5 < found.probability <= 1
    with pytest.raises(ValueError, match="people"):
        people.calibrate(strangers, names[:3], target_fpir=0.1)


@pytest.fixture(scope="module")
def faces(recognizer):
    rows = np.stack([recognizer.find(portrait(p, 50 * p + i))[0].embedding for p in range(3) for i in range(6)])
    return rows, [f"person_{p}" for p in range(3) for _ in range(6)]


def test_learns_people(recognizer, faces, tmp_path):
    rows, names = faces
    classifier = likeness.Classifier.train(rows, names, space=recognizer.space)
    assert classifier.labels == ["person_0", "person_1", "person_2"]
    assert classifier.calibrated
    predictions = classifier.predict(rows)
    assert [p.label for p in predictions] == names
    assert predictions[0].probabilities.sum() == pytest.approx(1)
    assert predictions[0].probability == predictions[0].probabilities[0]
    assert classifier.decision_values(rows).shape == (18, 3)
    classifier.write(tmp_path / "people.npz")
    for copy in [likeness.Classifier.read(tmp_path / "people.npz"), pickle.loads(pickle.dumps(classifier))]:
        assert np.array_equal(copy.decision_values(rows), classifier.decision_values(rows))
        assert copy.space.id == recognizer.space.id
    with pytest.raises(likeness.ModelMismatchError):
        classifier.predict(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match="labels"):
        likeness.Classifier.train(rows, names[:4])
    with pytest.raises(likeness.DataInvalidError):
        likeness.Classifier.train(rows, ["one"] * 18)


def test_packs(packs):
    pack = likeness.packs.find("tiny", packs)
    assert pack.kind == "embedder"
    assert likeness.packs.load(packs / "tiny").id == pack.id
    assert {p.folder.name for p in likeness.packs.available(packs)} == {"mtcnn", "tiny"}
    pack.verify()
    assert pack.threshold(0.001)["cosine"] < 1


def test_npz(tmp_path):
    path = tmp_path / "arrays.npz"
    arrays = {"f": np.arange(6, dtype=np.float32).reshape(2, 3), "d": np.pi * np.ones(2), "u": np.ones((2, 2, 3), np.uint8),
              "i": np.array([1, -2], np.int32), "l": np.array(2**40), "b": np.array([True, False]),
              "s": np.array(["Ann", "Bjørn 😀"])}
    likeness.npz.write(path, arrays)
    ours = likeness.npz.read(path)
    with np.load(path) as file:
        theirs = dict(file)
    for name, array in arrays.items():
        assert ours[name].dtype == theirs[name].dtype == array.dtype
        assert np.array_equal(ours[name], array)
        assert np.array_equal(theirs[name], array)
    assert path.read_bytes() == (likeness.npz.write(path, arrays), path.read_bytes())[1]
    with pytest.raises(TypeError, match=r"arrays\['x'\]: dtype complex128"):
        likeness.npz.write(path, {"x": np.ones(2, complex)})
    np.savez(path, pickled=np.array([{}], dtype=object))
    with pytest.raises(likeness.DataInvalidError, match="pickled"):
        likeness.npz.read(path)
    with pytest.raises(likeness.InputUnreadableError, match="nowhere"):
        likeness.npz.read(tmp_path / "nowhere.npz")
    with pytest.raises(likeness.OutputUnwritableError):
        likeness.npz.write(tmp_path / "no" / "folder.npz", arrays)


def test_figures():
    from likeness import eval as figures

    mated, non_mated = [0.9, 0.8, 0.4], [0.5, 0.3, 0.1, 0.2]
    assert figures.area_under_roc(mated, non_mated) == pytest.approx(11 / 12)
    assert figures.accuracy_at(mated, non_mated, 0.45) == pytest.approx(5 / 7)
    assert 0.5 < figures.best_threshold(mated, non_mated) < 0.8 or figures.best_threshold(mated, non_mated) < 0.4
    thresholds, false_match, false_non_match = figures.rate_curve(mated, non_mated)
    assert false_match[0] == 0
    assert false_non_match[-1] == 0
    assert np.all(np.diff(thresholds) < 0)
    assert figures.threshold_at_rate(non_mated, 0.001) is None
    low, high = figures.wilson_interval(25, 25)
    assert (round(low, 3), high) == (0.867, 1)
    with pytest.raises(ValueError, match="mated"):
        figures.area_under_roc([[1.0]], non_mated)
    with pytest.raises(ValueError, match="non_mated: .*finite"):
        figures.area_under_roc(mated, [np.nan])


def test_usual_models_are_the_programs(models):
    """SFace for people, FaceNet for the tutorial's steps, as kPeopleModel and kTutorialModel have it."""
    assert (likeness._native.PEOPLE_MODEL, likeness._native.TUTORIAL_MODEL) == ("sface", "20180408-102900")
    assert likeness.Recognizer(models=models).space.id == likeness.packs.find("sface", models).id
    assert likeness.Embedder(models=models).pack.name == "20180408-102900"
    assert likeness.packs.find(models=models).name == "20180408-102900"


def test_a_gallery_keeps_its_own_model(packs, tmp_path):
    two = likeness.Recognizer("tiny", models=packs, quality="two")
    gallery = likeness.Gallery.create(tmp_path / "g", two.space)
    recognizer = likeness.Recognizer.for_gallery(likeness.Gallery.open(tmp_path / "g"), models=packs)
    assert recognizer.space == two.space
    recognizer.enrol(gallery, "Ann", portrait(1, 5), review="off")
    assert recognizer.search(gallery, portrait(1, 6), threshold=0.6)[0].name == "Ann"
    # Where the model is not at hand it is the usual one that is missing.
    with pytest.raises(likeness.ModelNotFoundError, match="sface"):
        likeness.Recognizer.for_gallery(gallery, models=tmp_path).load()
    assert likeness.Recognizer.for_gallery(gallery, models=packs, quality="single").space != two.space


def test_help_reads_well():
    for name in likeness.__all__:
        value = getattr(likeness, name)
        assert value.__doc__, name
        if isinstance(value, type):
            for member, thing in vars(value).items():
                if not member.startswith("_") and callable(thing):
                    assert thing.__doc__, f"{name}.{member}"


def test_openvino_is_loaded_where_a_pack_needs_it(packs, recognizer, tmp_path):
    """A pack without a self-test does not go by our own kernels. Without OpenVINO the error says what to install."""
    import importlib.util
    import json
    import shutil

    shutil.copytree(packs, tmp_path / "packs")
    described = tmp_path / "packs" / "tiny" / "model.json"
    pack = json.loads(described.read_text())
    name = pack.pop("self_test")
    pack["files"] = [file for file in pack["files"] if file["name"] != name]
    described.write_text(json.dumps(pack))
    try:
        other = likeness.Recognizer("tiny", models=tmp_path / "packs").load()
    except likeness.UnsupportedError as error:
        assert importlib.util.find_spec("openvino") is None
        assert "pip install openvino==2026.4.1" in str(error)
        return
    ours, theirs = (r.find(portrait(1, 5))[0].embedding for r in (recognizer, other))
    assert np.allclose(ours, theirs, atol=1e-4)
    assert other.space.id == recognizer.space.id
