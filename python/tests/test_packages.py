"""The compat layers beside the packages they stand for, fetched from PyPI into environments of their own.

Both run the same script, with the calls of the package's README, and tell keys, types, shapes and signatures. An
environment is kept in the user's cache folder; where PyPI cannot be reached the test is skipped, by name.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

SCRIPTS = pathlib.Path(__file__).parent / "packages"
long = pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="2.1 GB of packages: LIKENESS_LONG=1")

FACE_RECOGNITION = {"": ["dlib-bin==20.0.1.post1", "numpy==2.4.6", "pillow==13.0.0", "click==8.5.1", "setuptools==80.9.0"],
                    "--no-deps": ["face_recognition_models==0.3.0", "face_recognition==1.3.0"]}  # fmt: skip
TENSORFLOW = {"": ["tensorflow-cpu==2.21.0", "keras==3.15.1", "opencv-python-headless==5.0.0.93", "numpy==2.4.6",
                   "pandas==3.1.1", "pillow==13.0.0", "scipy==1.17.1", "joblib", "lz4", "tqdm", "requests", "lightphe",
                   "fire", "flask", "gdown", "python-dotenv"],
              "--no-deps": ["tf_keras==2.21.0", "mtcnn==1.0.0", "keras-facenet==0.3.2", "deepface==0.0.103"],
              "--target": ["mtcnn==0.1.1"]}  # fmt: skip


def environment(name, packages):
    """The folder of a Python with these packages; "--target" ones lie apart, in its folder `beside`."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "likeness"
    folder, stamp = cache / f"python-{name}", json.dumps(packages)
    if (folder / "complete").exists() and (folder / "complete").read_text() == stamp:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    options = {"": ["--only-binary=:all:"], "--no-deps": ["--no-deps"], "--target": ["--no-deps", "--target", folder / "beside"]}
    steps = [[sys.executable, "-m", "venv", folder]]
    steps += [[folder / "bin" / "pip", "install", "-q", *options[kind], *wanted] for kind, wanted in packages.items()]
    for step in steps:
        ended = subprocess.run(step, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"no environment for {name}: {(ended.stderr.strip().splitlines() or ['pip failed'])[-1]}")
    (folder / "complete").write_text(stamp)
    return folder


def told(python, script, *arguments, **variables):
    """What the script prints as its last line; networks chatter before."""
    ended = subprocess.run([python, "-W", "ignore", SCRIPTS / script, *map(str, arguments)], capture_output=True, text=True,
                           env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables}, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


def ours(script, *arguments, models):
    return told(sys.executable, script, *arguments, LIKENESS_MODELS=str(models),
                PYTHONPATH=os.pathsep.join(p for p in sys.path if p))


def without(parts, *names):
    return {name: part for name, part in parts.items() if name not in names}


@pytest.fixture
def photos(shared):
    return shared / "data" / "photos" / "face_recognition" / "test_images"


@pytest.fixture(scope="session")
def tensorflow():
    return environment("tensorflow-stack", TENSORFLOW)


def test_face_recognition(models, photos, tmp_path):
    python = environment("face_recognition-1.3.0", FACE_RECOGNITION) / "bin" / "python"
    theirs = told(python, "tell_face_recognition.py", "face_recognition", photos)
    mine = ours("tell_face_recognition.py", "likeness.compat.face_recognition", photos, models=models)
    assert without(mine, "values") == without(theirs, "values")
    # Another detector, and yet the same points within a tenth of the eyes' distance, but for the nose: dlib's lies below.
    (a,), (b,) = mine["values"]["landmarks"], theirs["values"]["landmarks"]
    eyes = np.array(b["right_eye"]).mean(0) - np.array(b["left_eye"]).mean(0)
    for name in ("left_eye", "right_eye"):
        assert np.abs(np.subtract(a[name], b[name])).max() < 0.1 * np.linalg.norm(eyes)

    known, unknown = tmp_path / "known", tmp_path / "unknown"
    for folder, names in [(known, {"Barack Obama": "obama", "Joe Biden": "biden"}), (unknown, {"a": "obama2", "b": "biden"})]:
        folder.mkdir()
        for name, source in names.items():
            shutil.copy(photos / f"{source}.jpg", folder / f"{name}.jpg")
    (unknown / "nobody.png").write_bytes(__import__("likeness")._native.encode_png(np.zeros((90, 90, 3), np.uint8)))
    command = [python, "-W", "ignore", "-m", "face_recognition.face_recognition_cli", known, unknown]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    mine = subprocess.run([sys.executable, "-m", "likeness.compat.face_recognition", known, unknown], capture_output=True,
                          text=True, check=True, env={**os.environ, "LIKENESS_MODELS": str(models),
                                                      "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}).stdout
    assert sorted(mine.splitlines()) == sorted(theirs.splitlines())


@long
def test_mtcnn(tensorflow, models, photos):
    pictures = [photos / "obama.jpg", photos / "biden.jpg"]
    theirs = told(tensorflow / "bin" / "python", "tell_mtcnn.py", "mtcnn", *pictures, PYTHONPATH=str(tensorflow / "beside"))
    mine = ours("tell_mtcnn.py", "likeness.compat.mtcnn", *pictures, models=models)
    assert mine["signatures"][0][-1] == ["models", "VAR_KEYWORD", ""]  # ours alone: where the models are
    del mine["signatures"][0][-1]
    assert without(mine, "values") == without(theirs, "values")
    assert len(mine["values"][0]) > 0
    for ours_, theirs_ in zip(mine["values"], theirs["values"], strict=True):
        for a, b in zip(ours_, theirs_, strict=True):
            assert a[:2] == b[:2]  # boxes and points, to the pixel
            assert a[2] == pytest.approx(b[2], abs=1e-4)


@long
def test_mtcnn_v1(tensorflow, models, photos):
    # One in which both pyramids find one face.
    theirs = told(tensorflow / "bin" / "python", "tell_mtcnn.py", "mtcnn", photos / "biden.jpg")
    mine = ours("tell_mtcnn.py", "likeness.compat.mtcnn_v1", photos / "biden.jpg", models=models)
    del mine["signatures"][0][-1]
    assert mine == theirs


@long
def test_keras_facenet(tensorflow, models, photos):
    graph = models / "20180408-102900" / "graph_final.pb"
    theirs = told(tensorflow / "bin" / "python", "tell_keras_facenet.py", "keras_facenet", graph, photos / "obama.jpg",
                  PYTHONPATH=str(tensorflow / "beside"))
    mine = ours("tell_keras_facenet.py", "likeness.compat.keras_facenet", graph, photos / "obama.jpg", models=models)
    # Ours has a key of its own, and takes where the models are.
    assert mine["signatures"][0][0][0] == "key"
    mine["signatures"][0] = [theirs["signatures"][0][0], *mine["signatures"][0][1:-1]]
    assert without(mine, "values", "apart", "length") == without(theirs, "values", "apart", "length")
    assert np.abs(np.subtract(mine["values"], theirs["values"])).max() < 1e-4
    assert mine["length"] == pytest.approx(theirs["length"], abs=1e-4)
    assert mine["apart"] == pytest.approx(theirs["apart"], abs=1e-4)


@long
def test_deepface(tensorflow, models, photos, tmp_path):
    pytest.importorskip("pandas", reason="deepface answers with DataFrames, ours does where pandas is installed")
    theirs = told(tensorflow / "bin" / "python", "tell_deepface.py", "deepface", photos, tmp_path / "theirs",
                  DEEPFACE_HOME=str(tmp_path))
    mine = ours("tell_deepface.py", "likeness.compat.deepface", photos, tmp_path / "ours", models=models)
    assert without(mine, "signatures") == without(theirs, "signatures")
    for name, parameters in theirs["signatures"].items():
        for own, other in zip(mine["signatures"][name], parameters, strict=True):
            # Ours names its own model, detector and kind of database.
            assert own[:2] == other[:2]
            assert own[2] == other[2] or own[0] in ("model_name", "detector_backend", "database_type")
