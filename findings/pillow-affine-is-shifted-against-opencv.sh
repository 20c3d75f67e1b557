#!/usr/bin/env bash
# Believed: Image.transform(AFFINE) with the inverse of a warpAffine() matrix cuts the same face chip.
# True: Pillow takes the matrix to map corners of pixels (it adds half a pixel before and takes it away after), OpenCV maps
#   their centres. A chip that is shrunk 5 times is shifted by 2 pixels of the photo on each axis, 0.4 pixels of the
#   chip: more than the landmarks' own error. Translations alone are equal, so a test with an unscaled chip passes.
# Versions: Pillow 13.0.0, opencv-python-headless 4.13.0.92.
# Hurts: aligned embeddings whose gallery was made with one library and whose probes are cut with another.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" pillow==13.0.0 opencv-python-headless==4.13.0.92
PYTHONPATH="$dir/site" python3 - <<'END'
import cv2
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__, "OpenCV", cv2.__version__)
photo = np.tile(np.arange(1000, dtype=np.float32), (1000, 1))  # each pixel holds its own column
for shrink in (1, 5):
    forward = np.array([[1 / shrink, 0, 0], [0, 1 / shrink, 0]])
    backward = (shrink, 0, 0, 0, shrink, 0)
    opencv = cv2.warpAffine(photo, forward, (112, 112))
    pillow = np.asarray(Image.fromarray(photo).transform((112, 112), Image.AFFINE, backward, Image.BILINEAR))
    at = [round(float(chip[56, 10]), 3) for chip in (opencv, pillow)]
    print(f"shrunk {shrink} times, column 10 of the chip is column {at[0]} in OpenCV, {at[1]} in Pillow")
    assert at[0] == 10 * shrink
    assert at[1] == 10.5 * shrink - 0.5, "Pillow's pixels lie elsewhere now"
END
