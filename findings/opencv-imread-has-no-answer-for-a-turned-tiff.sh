#!/bin/sh
# Believed: cv2.imread() turns a TIFF by its orientation tag, as it does a JPEG, or leaves it as stored.
# True: for the orientations 5 to 8 (a portrait photo of a scanner or a raw converter) imread() returns None, with a message about an internal
#   pointer on stderr; 1 to 4 are turned. imdecode() of the same bytes turns all eight. Square photos are read: the fault is that
#   width and height change places.
# Versions: opencv-python-headless 4.13.0.92 and 5.0.0.93 (files written by Pillow 13.0.0).
# Hurts: photo libraries: the photo is "damaged" for programs on OpenCV and fine everywhere else.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > read.py <<'END'
import cv2
import numpy as np
from PIL import Image

print("OpenCV", cv2.__version__)
read, decoded, square = {}, {}, {}
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("RGB", (96, 64), (200, 150, 120)).save("photo.tif", exif=exif)
    Image.new("RGB", (96, 96), (200, 150, 120)).save("square.tif", exif=exif)
    shape = lambda picture: None if picture is None else picture.shape[:2]
    read[orientation] = shape(cv2.imread("photo.tif"))
    decoded[orientation] = shape(cv2.imdecode(np.fromfile("photo.tif", np.uint8), cv2.IMREAD_COLOR))
    square[orientation] = shape(cv2.imread("square.tif"))
print("imread  ", read)
print("imdecode", decoded)
assert decoded == {o: (64, 96) if o < 5 else (96, 64) for o in range(1, 9)}
assert set(square.values()) == {(96, 96)}
assert read == {o: (64, 96) if o < 5 else None for o in range(1, 9)}, "imread answers otherwise now"
END
for version in 4.13.0.92 5.0.0.93; do
  python3 -m venv "env$version"
  "env$version/bin/pip" install -q "opencv-python-headless==$version" pillow==13.0.0
  "env$version/bin/python" read.py 2>/dev/null
done
