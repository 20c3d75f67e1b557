#!/bin/sh
# Believed: a library that turns photos upright does so in each format it reads, and all do for AVIF, where turning is the
#   file's own property (irot), not a hint in metadata.
# True: cv2.imread() turns JPEG, PNG and WebP and leaves AVIF as stored. libvips is the other way round: it loads
#   AVIF upright and the others as stored (autorot() turns them). Pillow loads all four as stored and exif_transpose() turns all
#   four. So boxes found by one and drawn by another fit in some formats only.
# Versions: opencv-python-headless 4.13.0.92 and 5.0.0.93, pyvips-binary 8.18.7, Pillow 13.0.0.
# Hurts: detectors on OpenCV: an AVIF portrait lies on its side and few faces are found.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv vips
vips/bin/pip install -q pyvips==3.2.0 pillow==13.0.0 numpy==2.4.6
# The wheel goes last: where libvips' headers are installed, pyvips builds its own module over the wheel's.
vips/bin/pip install -q --force-reinstall --no-deps pyvips-binary==8.18.7
vips/bin/python - <<'END'
import pyvips
from PIL import Image, ImageOps

exif = Image.Exif()
exif[274] = 6
photo = Image.new("RGB", (96, 64), (200, 150, 120))
print("Pillow", Image.__version__, "libvips", pyvips.version(0), pyvips.version(1))
for name in ("a.jpg", "a.png", "a.webp", "a.avif"):
    photo.save(name, exif=exif)
    stored, turned = Image.open(name).size, ImageOps.exif_transpose(Image.open(name)).size
    vips = pyvips.Image.new_from_file(name)
    print(name, "Pillow", stored, turned, "libvips", (vips.width, vips.height))
    assert stored == (96, 64) and turned == (64, 96)
    assert (vips.width, vips.height) == ((64, 96) if name == "a.avif" else (96, 64))
END
for version in 4.13.0.92 5.0.0.93; do
  python3 -m venv "env$version"
  "env$version/bin/pip" install -q "opencv-python-headless==$version"
  "env$version/bin/python" - <<'END'
import cv2

size = {name: cv2.imread(name).shape[1::-1] for name in ("a.jpg", "a.png", "a.webp", "a.avif")}
print("OpenCV", cv2.__version__, size)
assert size["a.jpg"] == size["a.png"] == size["a.webp"] == (64, 96)
assert size["a.avif"] == (96, 64), "AVIF is turned now"
END
done
