"""What may be a photo, and what is refused, with the argument named."""

import io

import numpy as np
import pytest
from drawn import portrait

import likeness
from likeness import _photos


@pytest.fixture(scope="module")
def detector(packs):
    return likeness.Detector(models=packs)


@pytest.fixture(scope="module")
def pixels():
    return portrait(1, 5)


def boxes(faces):
    return [tuple(face.box) for face in faces]


def test_every_spelling_of_one_picture(detector, pixels, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    expected = boxes(detector.detect(pixels))
    assert len(expected) == 1
    image = Image.fromarray(pixels)
    path = tmp_path / "photo.png"
    image.save(path)
    data = path.read_bytes()
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    wide = np.zeros((pixels.shape[0], pixels.shape[1] * 2, 3), np.uint8)
    wide[:, ::2] = pixels
    for photo in [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), image, image.convert("RGBA"),
                  alpha, np.asfortranarray(pixels), wide[:, ::2], pixels[::-1][::-1], memoryview(data).toreadonly()]:
        assert boxes(detector.detect(photo)) == expected
    with path.open("rb") as file:
        assert boxes(detector.detect(file)) == expected
    bgr = pixels[:, :, ::-1]
    assert boxes(detector.detect(np.ascontiguousarray(bgr), order="bgr")) == expected
    assert boxes(detector.detect(bgr, order="bgr")) == expected
    assert boxes(detector.detect(np.ascontiguousarray(bgr)[:, :, ::-1])) == expected
    grey = np.asarray(image.convert("L"))
    assert boxes(detector.detect(grey)) == boxes(detector.detect(np.dstack([grey] * 3)))


def test_dlpack_and_array_interface(detector, pixels):
    class Dlpack:
        def __dlpack__(self, **options):
            return pixels.__dlpack__(**options)

        def __dlpack_device__(self):
            return pixels.__dlpack_device__()

    class Interface:
        __array_interface__ = pixels.__array_interface__

    expected = boxes(detector.detect(pixels))
    assert boxes(detector.detect(Dlpack())) == expected
    assert boxes(detector.detect(Interface())) == expected


def test_nothing_is_copied(pixels):
    for view in [pixels, pixels[10:50, 20:90], pixels[::-1], pixels[:, ::-1], pixels[::2, ::3]]:
        assert _photos.photo(view).address == view.__array_interface__["data"][0]
    data = bytes(1000)
    assert _photos.photo(data).address == np.frombuffer(data, np.uint8).__array_interface__["data"][0]


def test_a_turned_photo_of_pil_is_upright(detector, pixels):
    Image = pytest.importorskip("PIL.Image")
    turned = Image.fromarray(np.rot90(pixels).copy())
    turned.getexif()[0x0112] = 6
    assert boxes(detector.detect(turned)) == boxes(detector.detect(pixels))


@pytest.mark.parametrize(
    ("photo", "error", "words"),
    [
        (np.zeros((9, 9, 3), np.float32), TypeError, "photo: uint8 pixels wanted, float32 given"),
        (np.zeros((9, 9, 3), np.uint16), TypeError, "photo: uint8 pixels wanted, uint16 given"),
        (np.zeros((9, 9, 3), object), TypeError, "photo: uint8 pixels wanted, object given"),
        (np.zeros((9, 9, 2), np.uint8), ValueError, "photo: 1, 3 or 4 channels wanted, not 2"),
        (np.zeros((9,), np.uint8), ValueError, r"photo: a picture has shape .*not \(9,\)"),
        (np.zeros((2, 9, 9, 3), np.uint8), ValueError, "photo: a picture has shape"),
        (np.zeros((0, 9, 3), np.uint8), ValueError, "photo: a picture without pixels"),
        (3, TypeError, "photo: a photo is a path, bytes, an array, or an image, not int"),
        (None, TypeError, "photo: .*NoneType"),
        (io.StringIO("text"), TypeError, "photo: .*binary"),
    ],
)
def test_what_is_no_photo_is_refused(detector, photo, error, words):
    with pytest.raises(error, match=words):
        detector.detect(photo)


def test_the_order_must_fit(detector, pixels):
    with pytest.raises(ValueError, match="photo: rgba has 4 channels, not 3"):
        detector.detect(pixels, order="rgba")
    with pytest.raises(ValueError, match="photo: order must be"):
        detector.detect(pixels, order="hsv")


def test_closed_files(detector, pixels, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    file = path.open("rb")
    file.close()
    with pytest.raises(ValueError, match="photo: .*closed file"):
        detector.detect(file)
    image = Image.open(path)
    image.close()
    with pytest.raises(ValueError, match="photo: "):
        detector.detect(image)


def test_files_that_are_no_photos(detector, recognizer, tmp_path):
    path = tmp_path / "text.jpg"
    path.write_text("not a photo")
    for missing in [path, tmp_path / "nowhere.jpg", tmp_path]:
        with pytest.raises(likeness.ImageUnreadableError, match=missing.name):
            detector.detect(missing)
        with pytest.raises(likeness.ImageUnreadableError, match=missing.name):
            recognizer.find(missing)
    with pytest.raises(likeness.ImageUnreadableError, match="photo"):
        detector.detect(b"")
    with pytest.raises(likeness.InputUnreadableError, match="nowhere"):
        likeness.photos_in(tmp_path / "nowhere")


def test_a_wrong_photo_of_many_is_named_by_its_place(recognizer):
    photos = [portrait(1, 1), portrait(1, 2), np.zeros((9, 9, 3), np.float64)]
    with pytest.raises(TypeError, match=r"photos\[2\]: uint8 pixels wanted, float64 given"):
        recognizer.find_many(photos)
    with pytest.raises(TypeError, match=r"b\[0\]: uint8"):
        recognizer.verify(photos[0], photos[2], threshold=0.5)


def test_wrong_embeddings(recognizer, people):
    d = recognizer.space.dimension
    bad = np.zeros((2, d), np.float32)
    bad[1, 3] = np.nan
    with pytest.raises(ValueError, match="embeddings: row 1 holds a value that is not finite"):
        people.search(bad)
    with pytest.raises(likeness.ModelMismatchError, match="7 values"):
        people.search(np.zeros((2, 7), np.float32))
    with pytest.raises(ValueError, match=r"embeddings: shape \(n, d\) wanted"):
        people.search(np.zeros(d, np.float32))
    with pytest.raises(TypeError, match="embeddings: numbers wanted"):
        people.search(np.full((1, d), "x"))
    with pytest.raises(ValueError, match="length"):
        people.add("Bo", np.ones((1, d), np.float32))
    with pytest.raises(ValueError, match="name"):
        people.add(" ", recognizer.find(portrait(1, 1))[0].embedding[None])
    assert len(people) == 12


def test_a_gallery_of_another_model(recognizer):
    text = recognizer.space.to_json().replace('"dimension":', '"dimension":1').replace("tiny", "other")
    other = likeness.Gallery.in_memory(likeness.EmbeddingSpace.from_json(text, 16))
    for call in [lambda: recognizer.enrol(other, "Ann", portrait(1, 1), review="off"),
                 lambda: recognizer.search(other, portrait(1, 1), threshold=0.5)]:
        with pytest.raises(likeness.ModelMismatchError, match=r"other.*tiny|tiny.*other"):
            call()
    assert len(other) == 0


def test_wrong_chips(packs):
    embedder = likeness.Embedder("tiny", models=packs)
    width, height = embedder.pack.input_size
    assert embedder.embed([]).shape == (0, embedder.space.dimension)
    with pytest.raises(TypeError, match="chips: uint8 pixels wanted, float32"):
        embedder.embed(np.zeros((1, height, width, 3), np.float32))
    with pytest.raises(ValueError, match="chips: shape"):
        embedder.embed(np.zeros((height, width, 3), np.uint8))
    with pytest.raises(ValueError, match=str(width)):
        embedder.embed(np.zeros((1, height + 1, width, 3), np.uint8))


def test_wrong_options(packs, tmp_path):
    with pytest.raises(ValueError, match="precision must be one of"):
        likeness.Recognizer("tiny", models=packs, precision="f64")
    with pytest.raises(ValueError, match="quality must be one of"):
        likeness.Recognizer("tiny", models=packs, quality="worst")
    with pytest.raises(ValueError, match="min_scores"):
        likeness.Detector(models=packs, min_scores=(0.5,))
    with pytest.raises(ValueError, match="12"):
        likeness.Detector(models=packs, min_face_px=3)
    with pytest.raises(likeness.ModelNotFoundError, match="absent") as caught:
        likeness.Recognizer("absent", models=[packs, tmp_path])
    assert caught.value.code == "model_not_found"
    assert caught.value.remedy == "fetch_models"
    assert str(tmp_path) in str(caught.value)


def test_every_format_of_files_is_read():
    """The wheel brings its own readers; plain.png is the same picture where nothing is lost."""
    from drawn import ROOT

    folder = ROOT / "likeness" / "image" / "testdata"
    plain = likeness.read_image(folder / "plain.png")
    for name in ["plain.tif", "lzw.tif", "subsampled.jpg", "progressive.jpg", "lossy.avif", "turned_6.jpg", "cmyk.jpg",
                 "frames.gif", "frames.webp", "palette.png"]:
        pixels = likeness.read_image((folder / name).read_bytes())
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3, name
        assert pixels.std() > 5, name
    assert np.array_equal(likeness.read_image(folder / "plain.tif"), plain)
