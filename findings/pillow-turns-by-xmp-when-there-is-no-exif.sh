#!/bin/sh
# Believed: the orientation of a photo is in its EXIF; one without EXIF is upright for every program.
# True: Pillow's getexif() takes tiff:Orientation out of the XMP when the EXIF has none, so exif_transpose() turns such a photo; OpenCV
#   and libvips do not look there and leave it as stored. Such files come from programs that drop the EXIF block for
#   privacy and keep the XMP, where the names of the people are.
# Versions: Pillow 13.0.0, opencv-python-headless 4.13.0.92, pyvips-binary 8.18.7.
# Hurts: pipelines that find faces with one and cut or show them with the other: boxes are at the wrong place.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env
env/bin/pip install -q pyvips==3.2.0 pillow==13.0.0 opencv-python-headless==4.13.0.92
# The wheel goes last: where libvips' headers are installed, pyvips builds its own module over the wheel's.
env/bin/pip install -q --force-reinstall --no-deps pyvips-binary==8.18.7
cat > write.py <<'END'
from PIL import Image, ImageOps

xmp = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""
Image.new("RGB", (96, 64), (200, 150, 120)).save("photo.jpg", xmp=xmp)
photo = Image.open("photo.jpg")
assert "exif" not in photo.info
print("Pillow", Image.__version__, "stored", photo.size, "turned", ImageOps.exif_transpose(photo).size)
assert photo.size == (96, 64)
assert ImageOps.exif_transpose(photo).size == (64, 96), "Pillow no longer looks into XMP"
END
env/bin/python write.py
env/bin/python -c '
import cv2
size = cv2.imread("photo.jpg").shape[1::-1]
print("OpenCV", cv2.__version__, size)
assert size == (96, 64)'
env/bin/python -c '
import pyvips
photo = pyvips.Image.new_from_file("photo.jpg").autorot()
print("libvips", pyvips.version(0), pyvips.version(1), (photo.width, photo.height))
assert (photo.width, photo.height) == (96, 64)'
