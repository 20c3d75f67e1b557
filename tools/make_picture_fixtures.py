#!/usr/bin/env python3
"""Writes small synthetic pictures of many formats to likeness/image/testdata/ and what Pillow reads from them to
pictures.txt: file, width, height, start of the SHA-256 of the upright RGB pixels.

Run from the root:  python3 tools/make_picture_fixtures.py
"""
import hashlib
import os

import numpy as np
import PIL
from PIL import Image, ImageOps, PngImagePlugin

FOLDER = "likeness/image/testdata"
WIDTH, HEIGHT = 31, 22


def picture():
    """Slow colours with one odd corner, so that every turn and mirror image differs."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([x * 8, y * 11, 60 + 2 * (x + y)], axis=2).astype(np.uint8)
    rgb[:5, :7] = (250, 20, 30)
    return Image.fromarray(rgb)


def exif(orientation):
    block = Image.Exif()
    block[0x112] = orientation
    return block


def pictures():
    rgb = picture()
    alpha = Image.fromarray(np.linspace(0, 255, WIDTH * HEIGHT).astype(np.uint8).reshape(HEIGHT, WIDTH))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    for orientation in range(0, 10):
        yield f"turned_{orientation}.jpg", rgb, {"quality": 90, "exif": exif(orientation)}
    yield "progressive.jpg", rgb, {"progressive": True}
    yield "subsampled.jpg", rgb, {"subsampling": 2, "quality": 60}
    yield "grey.jpg", rgb.convert("L"), {}
    yield "cmyk.jpg", rgb.convert("CMYK"), {}
    yield "plain.png", rgb, {}
    yield "turned_6.png", rgb, {"exif": exif(6)}
    yield "rgba.png", rgba, {}
    yield "grey.png", rgb.convert("L"), {}
    yield "grey_alpha.png", rgba.convert("LA"), {}
    yield "bits.png", rgb.convert("1"), {}
    yield "palette.png", rgb.quantize(30), {}
    yield "palette_transparent.png", rgb.quantize(30), {"transparency": 3}
    yield "frames.gif", rgb, {"save_all": True, "append_images": [ImageOps.mirror(rgb)]}
    yield "frames.png", rgb, {"save_all": True, "append_images": [ImageOps.mirror(rgb)]}
    yield "frames.webp", rgb, {"save_all": True, "append_images": [ImageOps.mirror(rgb)], "lossless": True}
    yield "rgba.webp", rgba, {"lossless": True, "exact": True}
    yield "turned_8.webp", rgb, {"lossless": True, "exif": exif(8)}
    yield "plain.tif", rgb, {}
    yield "lzw.tif", rgb, {"compression": "tiff_lzw"}
    yield "turned_5.tif", rgb, {"tiffinfo": {0x112: 5}}
    yield "pages.tif", rgb, {"save_all": True, "append_images": [ImageOps.mirror(rgb)]}
    xmp = PngImagePlugin.PngInfo()
    xmp.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>')
    yield "turned_3_xmp.png", rgb, {"pnginfo": xmp}
    raw = PngImagePlugin.PngInfo()
    raw.add_text("Raw profile type exif", "\nexif\n      32\n4578696600004d4d002a00000008000101120003000000010007000000000000\n")
    yield "turned_7_raw.png", rgb, {"pnginfo": raw}


def main():
    with open(os.path.join(FOLDER, "pictures.txt"), "w") as listing:
        print(f"# Pillow {PIL.__version__}, by tools/make_picture_fixtures.py", file=listing)
        for name, image, options in pictures():
            path = os.path.join(FOLDER, name)
            image.save(path, **options)
            with Image.open(path) as stored:
                upright = ImageOps.exif_transpose(stored).convert("RGB")
            digest = hashlib.sha256(np.asarray(upright).tobytes()).hexdigest()[:16]
            print(name, *upright.size, digest, file=listing)
    picture().save(os.path.join(FOLDER, "lossy.avif"), quality=90)


main()
