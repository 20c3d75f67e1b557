#!/bin/sh
# Believed: a photo that was opened, painted over and saved as JPEG XL shows what was painted.
# True: when the photo was opened from a JPEG, pillow-jxl-plugin packs the JPEG *file* it was read from, not the pixels
#   in memory. ImageDraw, paste() and thumbnail() change the picture in place and are all lost: the face that was covered
#   is in the saved file. It says so in a warning only ("Using JPEG reconstruction ..."). With lossless_jpeg=False, or
#   after convert("RGB"), the painted pixels are saved; the same steps with WebP are right.
# Versions: pillow-jxl-plugin 1.3.8, Pillow 13.0.0.
# Hurts: whoever hides faces or cuts thumbnails and stores JPEG XL: the original leaves the house.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q pillow-jxl-plugin==1.3.8 pillow==13.0.0
cd "$dir"
env/bin/python -W ignore - <<'END'
import PIL
from PIL import Image, ImageDraw
import pillow_jxl  # registers the format

print("Pillow", PIL.__version__)
Image.new("RGB", (96, 64), (200, 150, 120)).save("photo.jpg", quality=95)

def covered():
    photo = Image.open("photo.jpg")
    ImageDraw.Draw(photo).rectangle((0, 0, 95, 63), fill=(0, 0, 0))
    return photo

def saved(photo, name, **options):
    photo.save(name, **options)
    return Image.open(name).convert("RGB").getpixel((48, 32))

default = saved(covered(), "default.jxl")
asked = saved(covered(), "asked.jxl", lossless_jpeg=False)
webp = saved(covered(), "covered.webp", lossless=True)
small = Image.open("photo.jpg")
small.thumbnail((24, 16))
small.save("small.jxl")
print("in memory", covered().getpixel((48, 32)), "- JPEG XL", default, "- lossless_jpeg=False", asked, "- WebP", webp)
print("thumbnail in memory", small.size, "- JPEG XL", Image.open("small.jxl").size)
assert covered().getpixel((48, 32)) == webp == (0, 0, 0)
assert max(asked) < 5
assert min(default) > 100, "the covered picture is saved now"
assert Image.open("small.jxl").size == (96, 64), "the thumbnail is saved now"
END
