"""examples/tutorial.ipynb runs, on drawn people and on the tutorial's own photos."""

import json
import re

import numpy as np
import pytest
from drawn import ROOT, portrait

import likeness

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
matplotlib.use("Agg")


def run_notebook(monkeypatch, **environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    notebook = json.loads((ROOT / "examples" / "tutorial.ipynb").read_text())
    names = {"__name__": "notebook"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "outputs are not kept in the notebook"
            exec(compile("".join(cell["source"]), "tutorial.ipynb", "exec"), names)  # noqa: S102
    matplotlib.pyplot.close("all")
    return names


def test_on_drawn_people(packs, tmp_path, monkeypatch, capsys):
    for split, count, seed in [("train", 6, 0), ("val", 2, 700)]:
        for person in range(3):
            folder = tmp_path / split / f"person_{person}"
            folder.mkdir(parents=True)
            for i in range(count):
                png = likeness._native.encode_png(portrait(person, seed + 40 * person + i))
                (folder / f"{i}.png").write_bytes(png)
    names = run_notebook(monkeypatch, LIKENESS_PHOTOS=tmp_path, LIKENESS_MODEL="tiny", LIKENESS_OUT=tmp_path,
                         LIKENESS_MODELS=packs)
    assert names["yhat_test"].tolist() == names["theirs"].tolist() == names["testy"].tolist()
    with np.load(tmp_path / "faces.npz") as file:
        assert file["arr_0"].shape == names["trainX"].shape
    assert re.search("val 6 of 6", capsys.readouterr().out)


def test_on_the_tutorials_photos(models, shared, tmp_path, monkeypatch, capsys):
    run_notebook(monkeypatch, LIKENESS_PHOTOS=shared / "data" / "five-celebrity", LIKENESS_OUT=tmp_path,
                 LIKENESS_MODELS=models)
    out = capsys.readouterr().out
    assert "val 25 of 25" in out
    assert "scikit-learn: val 25 of 25; 25 of 25 as above" in out
