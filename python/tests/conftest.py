import pathlib
import zipfile

import pytest
from drawn import ROOT, portrait

import likeness

#: Far enough from drawn strangers, near enough to the same drawn person (tools/make_tiny_packs.py).
THRESHOLD = 0.6


@pytest.fixture(scope="session")
def packs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    with zipfile.ZipFile(ROOT / "tests" / "tiny" / "packs.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def recognizer(packs):
    return likeness.Recognizer("tiny", models=packs, threads=2).load()


@pytest.fixture
def people(recognizer):
    """A gallery in memory of four drawn people with three faces each."""
    gallery = likeness.Gallery.in_memory(recognizer.space)
    for person in range(4):
        recognizer.enrol(gallery, f"person_{person}", [portrait(person, 10 * person + i) for i in range(3)],
                         review="off")
    return gallery


@pytest.fixture(scope="session")
def shared():
    """Photos and references beside the checkout, which are not ours to ship."""
    import os

    folder = pathlib.Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "README.md").exists():
        pytest.skip(f"no photos in {folder}")
    return folder


@pytest.fixture(scope="session")
def models():
    """The real packs."""
    folder = ROOT / "models"
    if not (folder / "20180408-102900" / "graph_final.pb").exists():
        pytest.skip(f"no weights in {folder}; scripts/setup fetches them")
    return folder
