"""What a whole process shows: imports, warnings, leaks, types, stubs, the setup command."""

import ast
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from drawn import ROOT

import likeness

SCRIPT = """
import numpy as np
import likeness
from drawn import portrait, nobody
packs = {packs!r}
recognizer = likeness.Recognizer("tiny", models=packs, threads=2)
gallery = likeness.Gallery.create({gallery!r}, recognizer.space)
recognizer.enrol(gallery, "Ann", [portrait(1, i) for i in range(3)], review="off", each=lambda photo: None)
faces = recognizer.find(portrait(1, 9))
kept = faces[0].embedding
for result in recognizer.stream([portrait(1, 9), nobody(2)], progress=lambda *_: True):
    rows, chips = result.embeddings, result.chips
assert recognizer.search(gallery, portrait(1, 9), threshold=0.6)[0].name == "Ann"
try:
    recognizer.find(np.zeros((3, 3, 3)))
except TypeError:
    pass
likeness.Classifier.train(np.eye(16, dtype=np.float32)[:4], list("abab")).predict(np.eye(16)[:2])
likeness.npz.write({npz!r}, {{"a": np.ones(3)}})
likeness.npz.read({npz!r})
from likeness.compat import deepface, face_recognition
face_recognition.configure(model="tiny", models=packs)
assert len(face_recognition.face_encodings(portrait(1, 9))) == 1
deepface.configure(model="tiny", models=packs)
assert len(deepface.represent(portrait(1, 9)[:, :, ::-1])) == 1
"""


def run(*arguments, **environment):
    # Where this process found the package and the drawings, so does the other.
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=200,
                          env={**os.environ, "PYTHONPATH": path, **environment})


def test_clean_in_development_mode_and_without_leaks(packs, tmp_path):
    """nanobind names at the end of a process what of it leaked; -X dev and -W error what else is wrong."""
    script = SCRIPT.format(packs=str(packs), gallery=str(tmp_path / "g"), npz=str(tmp_path / "a.npz"))
    ended = run("-X", "dev", "-W", "error", "-c", script)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_importing_is_light():
    """NumPy and everything optional is imported when it is needed, and so are our own modules."""
    ended = run("-c", "import sys; before = set(sys.modules); import likeness; print(sorted(set(sys.modules) - before))")
    assert ended.stderr == ""
    imported = set(ast.literal_eval(ended.stdout))
    assert imported >= {"likeness", "likeness._native"}
    assert not imported & {"numpy", "PIL", "tqdm", "openvino", "pandas", "typing", "re", "likeness.recognizer"}


def test_names_are_there_though_their_modules_come_later():
    ended = run("-c", "import likeness; print(set(likeness.__all__) - set(dir(likeness)))\nfrom likeness import *\n"
                      "print(Recognizer is likeness.Recognizer, issubclass(StoppedError, errors.Error), photos_in.__name__)\n"
                      "likeness.nothing")
    assert ended.stdout == "set()\nTrue True folder\n"
    assert "module 'likeness' has no attribute 'nothing'" in ended.stderr


def test_types_are_strict():
    pytest.importorskip("mypy")
    ended = run("-m", "mypy", "--strict", "--config-file", str(ROOT / "python" / "pyproject.toml"), "--cache-dir",
                os.devnull, str(ROOT / "python" / "likeness"), str(ROOT / "examples" / "faces.py"))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_stubs_are_of_this_module(tmp_path):
    pytest.importorskip("nanobind.stubgen")
    made = tmp_path / "_native.pyi"
    subprocess.run([ROOT / "python" / "make_stubs.sh", sys.executable, made], check=True,
                   env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert made.read_text() == (ROOT / "python" / "likeness" / "_native.pyi").read_text(), "run python/make_stubs.sh"


def test_the_example_runs(packs, tmp_path):
    from PIL import Image
    from drawn import portrait

    for name, person in [("ann", 1), ("bo", 2)]:
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(portrait(person, 10 * person + i)).save(tmp_path / name / f"{i}.png")
    Image.fromarray(portrait(1, 99)).save(tmp_path / "party.png")
    ended = run(str(ROOT / "examples" / "faces.py"), str(tmp_path), str(tmp_path / "party.png"), "--model", "tiny",
                LIKENESS_MODELS=str(packs))
    assert ended.returncode == 0, ended.stderr
    assert "ann" in ended.stdout
    assert "bo" not in ended.stdout


def weights_in(folder, models):
    """Those that the setup fetches."""
    packs = {"mtcnn": ["pnet.onnx", "rnet.onnx", "onet.onnx"], "20180408-102900": ["graph_final.pb"],
             "sface": ["face_recognition_sface_2021dec_int8bq.onnx"], "centerface": ["centerface.onnx"],
             "yunet": ["face_detection_yunet_2023mar_int8bq.onnx"]}  # fmt: skip
    for pack, files in packs.items():
        (folder / pack).mkdir(parents=True)
        for name in files:
            (folder / pack / name).symlink_to(models / pack / name)


def test_setup_is_quick_where_all_is_there(models, tmp_path):
    """With the weights in the folder nothing is fetched, and the packs' descriptions are brought along."""
    folder = tmp_path / "models"
    weights_in(folder, models)
    ended = run("-m", "likeness", "setup", "--models", str(folder), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert ended.returncode == 0, ended.stderr
    assert "20180408-102900" in ended.stdout
    assert likeness.packs.find(models=folder).name == "20180408-102900"
    (folder / "mtcnn" / "pnet.onnx").unlink()
    (folder / "mtcnn" / "pnet.onnx").write_bytes(b"other")
    ended = run("-m", "likeness", "setup", "--models", str(folder), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert ended.returncode == 4
    assert "pnet.onnx has the wrong SHA-256" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_setup_leaves_a_description_that_was_changed(models, tmp_path, monkeypatch, capsys):
    from likeness import _setup

    folder = tmp_path / "models"
    weights_in(folder, models)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _setup.setup(folder)
    ours, others = folder / "sface" / "model.json", folder / "yunet" / "model.json"
    brought, changed = ours.read_text(), ours.read_text().replace('"licence": "', '"licence": "measured here, ')
    ours.write_text(changed)
    _setup.setup(folder)
    assert ours.read_text() == changed
    assert capsys.readouterr().err == ""
    assert sorted(pack.name for pack in likeness.packs.available(folder)) == sorted(p.name for p in (ROOT / "packs").iterdir())

    newer = tmp_path / "packs"
    shutil.copytree(_setup._DESCRIPTIONS, newer)
    for name in ("sface", "yunet"):
        text = (newer / name / "model.json").read_text()
        (newer / name / "model.json").write_text(text.replace('"licence": "', '"licence": "newer, '))
    monkeypatch.setattr(_setup, "_DESCRIPTIONS", newer)
    _setup.setup(folder)
    assert ours.read_text() == changed
    assert others.read_text() == (newer / "yunet" / "model.json").read_text()  # nobody had changed it
    said = capsys.readouterr().err
    assert said == f"setup: {ours} was changed here and stays; delete it and run this again for the newer one\n"
    ours.unlink()
    _setup.setup(folder)
    assert ours.read_text() == (newer / "sface" / "model.json").read_text() != brought
    assert capsys.readouterr().err == ""


def test_setup_fetches_what_the_script_fetches():
    from likeness import _setup

    script = (ROOT / "scripts" / "setup").read_text()
    for archive in _setup.ARCHIVES:
        assert f"{archive.file} {archive.sha256}" in script
        for member, _, sha256 in archive.members:
            assert sha256 in script
            assert pathlib.PurePosixPath(member).stem in script
