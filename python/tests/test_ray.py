"""Ray, Spark and Milvus themselves, fetched from PyPI into environments of their own."""

import json
import os
import pathlib
import shutil
import subprocess


import numpy as np
import pytest
from drawn import ROOT, photos_in
from test_packages import environment

import likeness

BATCH = pathlib.Path(__file__).parent / "batch"
pytestmark = pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="1 GB of packages, minutes: LIKENESS_LONG=1")


def requirements(*more):
    lines = (BATCH / "requirements.txt").read_text().splitlines()
    return {"": [line for line in lines if line and not line.startswith("#")] + ["numpy", "nanobind-backend>=1.0", *more]}


def run(python, site, models, *arguments):
    """A script in another environment, with this package and no other of this one."""
    package = pathlib.Path(likeness.__file__).parent
    site.mkdir()
    for name in ("likeness", "likeness.libs"):
        if (package.parent / name).exists():
            (site / name).symlink_to(package.parent / name)
    ended = subprocess.run([python, *map(str, arguments)], capture_output=True, text=True, check=False,
                           env={**os.environ, "PYTHONPATH": f"{site}:{ROOT / 'examples'}", "LIKENESS_MODELS": str(models), "PYSPARK_PYTHON": str(python), "RAY_USAGE_STATS_ENABLED": "0"})  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def program():
    found = [p for p in (ROOT / "build" / "dev").glob("**/likeness") if p.is_file() and os.access(p, os.X_OK)]
    return found[0] if found else pytest.skip("no build/dev: no program to compare with")


def test_an_actor_that_is_killed_costs_nothing(models, shared, tmp_path):
    """Output complete, each face once, as the program's; importing it twice adds nothing."""
    pq = pytest.importorskip("pyarrow.parquet")
    photos = shared / "data" / "lfw-view1" / "images"
    calls = tmp_path / "calls"
    calls.mkdir()
    python = environment("ray", requirements()) / "bin" / "python"
    out = run(python, tmp_path / "site", models, BATCH / "embed_with_ray.py", photos, tmp_path / "faces", calls, "sface", "kill")
    told = json.loads(next(line for line in out.splitlines() if line.startswith('{"begin"')))  # Ray prints too
    assert len(told["killed"]) == 1
    assert len({file.name.split("-")[0] for file in calls.iterdir()}) == 3  # two, and the one that came instead
    faces = pq.read_table(tmp_path / "faces")
    names = faces.column("photo").to_pylist()
    assert len(names) == len(set(names))
    assert set(names) == set(likeness.photos_in(photos))
    assert faces.column("error").null_count == len(names)

    subprocess.run([program(), "embed", photos, "-o", tmp_path / "e.npz", "--model", "sface", "--threads", "2", "--models", models],
                   check=True, capture_output=True)  # fmt: skip
    theirs = likeness.npz.read(tmp_path / "e.npz")
    parts = [("train_files", "arr_0"), ("val_files", "arr_2")]  # it puts some of each person's photos aside
    expected = {str(photos / name): row for files, values in parts for name, row in zip(theirs[files], theirs[values])}
    rows = {row["photo"]: row for row in faces.to_pylist() if row["embedding"] is not None}
    assert rows.keys() == expected.keys()
    assert max(np.abs(np.float32(row["embedding"]) - expected[name]).max() for name, row in rows.items()) < 1e-6

    from likeness.parquet import files_of, import_faces

    gallery = likeness.Gallery.create(tmp_path / "people.gallery", likeness.Recognizer(models=models).space)
    for added, known in [(len(rows), 0), (0, len(rows))]:
        done = [import_faces(gallery, file) for file in files_of([tmp_path / "faces"])]
        assert (sum(d.added for d in done), sum(d.known for d in done), sum(d.nameless for d in done)) == (added, known, 0)
    assert gallery.check() == []


def test_the_example_for_spark(packs, tmp_path):
    if shutil.which("java") is None:
        pytest.skip("no Java")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    photos_in(tmp_path / "photos")
    files = sorted((tmp_path / "photos").glob("*/*.png"))
    photos = {"path": [str(f) for f in files], "bytes": [f.read_bytes() for f in files], "person": [f.parent.name for f in files]}
    pq.write_table(pa.table(photos), tmp_path / "photos.parquet")
    # Its source alone is on PyPI, in Python.
    python = environment("spark", {**requirements(), "--no-deps": ["setuptools==80.9.0", "wheel", "py4j==0.10.9.9", "pyspark==4.3.0"]})
    run(python / "bin" / "python", tmp_path / "site", packs, ROOT / "examples" / "spark_embed.py", tmp_path / "photos.parquet",
        tmp_path / "faces", "--model", "tiny")  # fmt: skip
    from likeness.parquet import files_of, import_faces

    gallery = likeness.Gallery.in_memory(likeness.Recognizer("tiny", models=packs).space)
    assert sum(import_faces(gallery, file).added for file in files_of([tmp_path / "faces"])) == 6
    assert gallery.people == {f"person_{p}": 2 for p in range(3)}


def test_the_example_for_ray(packs, tmp_path):
    photos_in(tmp_path / "photos")
    python = environment("ray", requirements()) / "bin" / "python"
    out = run(python, tmp_path / "site", packs, ROOT / "examples" / "ray_embed.py", tmp_path / "photos", tmp_path / "faces",
              "--gallery", tmp_path / "people.gallery", "--actors", "1", "--model", "tiny")  # fmt: skip
    assert "6 faces added, 0 known already" in out.splitlines()
    assert likeness.Gallery.open(tmp_path / "people.gallery").people == {f"person_{p}": 2 for p in range(3)}


def test_milvus_imports_what_the_program_exports(models, tmp_path):
    """The last server of Milvus that PyPI has, 2.3.5: its nearest are ours."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("the server listens everywhere, and only root can give it a network of its own")
    exported, made = program(), tmp_path / "people.gallery"
    gallery = likeness.Gallery.create(made, likeness.Recognizer(models=models).space)
    rows = np.random.default_rng(7).standard_normal((40, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gallery.add_many([f'"Ann" {i // 4}' for i in range(40)], rows, photos=[f"\\{i}\n.jpg" for i in range(40)])
    subprocess.run([exported, "gallery", "export", "--to", "milvus", "-o", tmp_path / "people.json", "--gallery", made], check=True)
    python = environment("milvus", {"": ["pymilvus==2.4.9", "setuptools==80.10.2", "marshmallow==3.26.2", "environs==9.5.0"],
                                    "--no-deps": ["milvus==2.3.5"]}) / "bin" / "python"  # fmt: skip
    (tmp_path / "data").mkdir()
    words = [python, BATCH / "import_into_milvus.py", tmp_path / "people.json", tmp_path / "data", 128]
    ended = subprocess.run(["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *map(str, words)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    for hits, ours in zip(found, gallery.nearest(rows, 3)):
        assert [(face, person) for face, _, person in hits] == [(match.face, match.name) for match in ours]
        assert np.allclose([score for _, score, _ in hits], [match.cosine for match in ours], atol=1e-3)
