"""What the clients' tests share: photos, and a look into the gallery's files."""

import os
import pathlib
import urllib.request

PORT = int(os.environ["PORT"])
KEY = os.environ["LIKENESS_KEY"]
WORK = pathlib.Path(os.environ["WORK"])
SAMPLES = pathlib.Path(os.environ["SAMPLES"])


def sample(name):
    return str(SAMPLES / name)


def made_photo(name, make):
    """A photo that `make` gives as a Pillow image, written once."""
    path = WORK / name
    if not path.exists():
        make().save(path)
    return str(path)


def no_face():
    from PIL import Image

    return made_photo("no_face.png", lambda: Image.new("RGB", (320, 240), (90, 120, 60)))


def two_faces():
    from PIL import Image

    def make():
        both = [Image.open(sample(name)).convert("RGB") for name in ("obama.jpg", "biden.jpg")]
        wide = Image.new("RGB", (sum(one.width for one in both), max(one.height for one in both)))
        wide.paste(both[0], (0, 0))
        wide.paste(both[1], (both[0].width, 0))
        return wide

    return made_photo("two_faces.jpg", make)


def in_files(text):
    """Whether any file of the gallery's folder holds this text."""
    files = [f for f in (WORK / "gallery").rglob("*") if f.is_file()]
    assert files, "the gallery has no file"
    return any(text.encode() in f.read_bytes() for f in files)


def people():
    """Names of the enrolled people, by /v1."""
    import json

    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/v1/galleries/people/people", headers={"X-Api-Key": KEY}
    )
    with urllib.request.urlopen(request) as answer:
        return sorted(person["name"] for person in json.load(answer)["people"])


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
