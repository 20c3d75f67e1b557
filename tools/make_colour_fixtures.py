#!/usr/bin/env python3
"""Writes small pictures of every kind of colour and orientation to likeness/image/testdata/colour/, beside each the
pixels that are right as NAME.expected.png, and colours.txt: file, pictures to compare with, greatest mean difference.

The right pixels are ImageCms' (Little CMS, perceptual intent, to sRGB) where a profile, or numbers that stand for one,
says what the colours are; Pillow's convert("RGB") else; and the picture drawn, for lossy containers.

Run from the root, with Pillow 13.0.0, pillow-heif 1.8.1, numpy 2.4.6, tifffile 2026.3.3:
    python3 tools/make_colour_fixtures.py [FOLDER]
"""
import io
import os
import struct
import sys
import zlib

import numpy as np
import pillow_heif
import PIL
import tifffile
from PIL import Image, ImageCms, ImageOps

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "likeness/image/testdata/colour"
WIDTH, HEIGHT = 32, 24
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
APPLE = ((0.625, 0.340), (0.280, 0.595), (0.155, 0.070))
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
CURVE = "curve of sRGB"


def picture():
    """Slow colours with one odd corner, so that every turn and mirror image differs."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([x * 8, y * 10, 60 + 2 * (x + y)], axis=2).astype(np.uint8)
    rgb[:6, :8] = (230, 150, 120)
    return rgb


# Profiles, ICC.1:2001 (version 2.4), written by hand: no file of others is needed.
def s15(value):
    return struct.pack(">i", round(value * 65536))


def xyz(x, y):
    return np.array([x / y, 1, (1 - x - y) / y])


def adapted(white):
    """Bradford's matrix from `white` to D50."""
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (cone @ np.array([0.9642, 1, 0.8249])) / (cone @ xyz(*white))
    return np.linalg.inv(cone) @ np.diag(scale) @ cone


def curve_tag(gamma):
    if gamma == CURVE:
        t = np.arange(1024) / 1023
        linear = np.where(t <= 0.04045, t / 12.92, ((t + 0.055) / 1.055) ** 2.4)
        return b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.round(linear * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def profile(space, kind, tags):
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
            b"cprt": b"text\0\0\0\0none\0", b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642) + s15(1) + s15(0.8249), **tags}
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    pcs = b"Lab " if space == b"CMYK" else b"XYZ "
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02400000, kind, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + s15(0.9642) + s15(1) + s15(0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def rgb_profile(primaries, white, gamma):
    columns = np.array([xyz(*p) for p in primaries]).T
    columns = adapted(white) @ columns @ np.diag(np.linalg.inv(columns) @ xyz(*white))
    tags = {}
    for i, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(s15(v) for v in columns[:, i])
        tags[name + b"TRC"] = curve_tag(gamma)
    return profile(b"RGB ", b"mntr", tags)


def grey_profile(gamma):
    return profile(b"GRAY", b"mntr", {b"kTRC": curve_tag(gamma)})


def cmyk_profile():
    """Inks of a newspaper, much as SWOP's: the paper is not white, black is not black. Lab of 3^4 mixtures."""
    inks = np.array([[55, -37, -50], [48, 74, -3], [89, -5, 93], [16, 0, 0]], float)
    paper = np.array([89.0, 0, 3])
    table = bytearray()
    for c in (0, 0.5, 1):
        for m in (0, 0.5, 1):
            for ye in (0, 0.5, 1):
                for k in (0, 0.5, 1):
                    light, a, b = paper
                    for amount, (il, ia, ib) in zip((c, m, ye, k), inks):
                        light *= 1 - amount * (1 - il / 89)
                        a, b = a * (1 - amount * (1 - il / 100)) + amount * ia, b * (1 - amount * (1 - il / 100)) + amount * ib
                    a, b = np.clip([a, b], -128, 127) * (1 - k * 0.8)
                    table += bytes([round(light * 255 / 100), round(a + 128), round(b + 128)])
    line = bytes(range(256))
    tag = b"mft1\0\0\0\0" + bytes([4, 3, 3, 0]) + b"".join(s15(v) for v in np.eye(3).ravel())
    tag += line * 4 + bytes(table) + line * 3
    return profile(b"CMYK", b"prtr", {b"A2B0": tag})


def to_srgb(image, icc):
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")


def png_with(chunks, samples):
    """A PNG of 8 or 16 bits, RGB or grey, with chunks before its pixels."""
    bits = 8 * samples.dtype.itemsize
    kind = 2 if samples.ndim == 3 else 0
    rows = b"".join(b"\0" + row.astype(f">u{bits // 8}").tobytes() for row in samples)
    body = [(b"IHDR", struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, kind, 0, 0, 0))]
    body += chunks + [(b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in body)


def chrm(primaries, white):
    return b"cHRM", b"".join(struct.pack(">I", round(v * 100000)) for xy in (white, *primaries) for v in xy)


def gama(value):
    return b"gAMA", struct.pack(">I", round(value * 100000))


def patched(data, old, new):
    assert data.count(old) == 1 and len(old) == len(new), data.count(old)
    return data.replace(old, new)


class Fixtures:
    def __init__(self):
        os.makedirs(FOLDER, exist_ok=True)
        for name in os.listdir(FOLDER):
            os.remove(os.path.join(FOLDER, name))
        self.listing = open(os.path.join(FOLDER, "colours.txt"), "w")
        print(f"# Pillow {PIL.__version__}, pillow-heif {pillow_heif.__version__}, tifffile {tifffile.__version__}, by",
              "tools/make_colour_fixtures.py:\n# file, right pixels, greatest mean difference in levels of 255",
              file=self.listing)
        self.expected = {}

    def path(self, name):
        return os.path.join(FOLDER, name)

    def add(self, name, content, expected, tolerance):
        """`content`: bytes, or a function that writes the file."""
        if callable(content):
            content(self.path(name))
        else:
            with open(self.path(name), "wb") as file:
                file.write(content)
        pixels = np.asarray(expected.convert("RGB"))
        key = pixels.tobytes()
        if key not in self.expected:
            self.expected[key] = name + ".expected.png"
            Image.fromarray(pixels).save(self.path(self.expected[key]), optimize=True)
        print(name, self.expected[key], tolerance, file=self.listing)


def stored(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def decoded(data):
    return Image.open(io.BytesIO(data))


def add_rgb_profiles(fixtures, rgb):
    p3 = rgb_profile(P3, D65, CURVE)
    for name, icc in {"p3": p3, "adobe": rgb_profile(ADOBE, D65, 563 / 256),
                      "prophoto": rgb_profile(PROPHOTO, D50, 1.8), "linear": rgb_profile(SRGB, D65, 1.0)}.items():
        jpeg = stored(rgb, format="JPEG", quality=92, subsampling=0, icc_profile=icc)
        fixtures.add(f"{name}.jpg", jpeg, to_srgb(decoded(jpeg), icc), 0.6)
    # Tagged with primaries and a curve near sRGB's: as they are.
    for name, icc in {"srgb": rgb_profile(SRGB, D65, CURVE), "apple": rgb_profile(APPLE, D65, 1.8)}.items():
        fixtures.add(f"{name}.png", stored(rgb, format="PNG", icc_profile=icc), rgb, 0)
    fixtures.add("p3.png", stored(rgb, format="PNG", icc_profile=p3), to_srgb(rgb, p3), 0.6)
    fixtures.add("p3.tif", stored(rgb, format="TIFF", icc_profile=p3), to_srgb(rgb, p3), 0.6)
    fixtures.add("p3.webp", stored(rgb, format="WEBP", lossless=True, icc_profile=p3), to_srgb(rgb, p3), 0.6)
    alpha = rgb.copy()
    alpha.putalpha(77)
    fixtures.add("p3_alpha.png", stored(alpha, format="PNG", icc_profile=p3), to_srgb(rgb, p3), 0.6)
    # A profile for other samples, and one that is damaged, say nothing.
    fixtures.add("profile_of_grey.png", stored(rgb, format="PNG", icc_profile=grey_profile(1.0)), rgb, 0)
    fixtures.add("profile_cut.tif", stored(rgb, format="TIFF", icc_profile=p3[:200]), rgb, 0)
    # Turned and tagged at once.
    exif = Image.Exif()
    exif[0x112] = 6
    jpeg = stored(rgb, format="JPEG", quality=92, subsampling=0, icc_profile=p3, exif=exif)
    fixtures.add("p3_turned.jpg", jpeg, to_srgb(decoded(jpeg).transpose(Image.Transpose.ROTATE_270), p3), 0.6)
    # Cameras' Adobe RGB: no profile, Exif says it.
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03", 2: b"0100"}
    jpeg = stored(rgb, format="JPEG", quality=92, subsampling=0, exif=exif)
    fixtures.add("adobe_by_exif.jpg", jpeg, to_srgb(decoded(jpeg), rgb_profile(ADOBE, D65, 563 / 256)), 0.6)


def add_grey_and_deep(fixtures, rgb):
    samples = np.asarray(rgb)
    grey = rgb.convert("L")
    linear = grey_profile(1.0)
    fixtures.add("grey_linear.png", stored(grey, format="PNG", icc_profile=linear), to_srgb(grey, linear), 0.6)
    old = grey_profile(1.8)
    fixtures.add("grey_18.png", stored(grey, format="PNG", icc_profile=old), to_srgb(grey, old), 0.6)
    fixtures.add("grey_22.jpg", stored(grey, format="JPEG", quality=92, icc_profile=grey_profile(2.2)),
                 decoded(stored(grey, format="JPEG", quality=92)), 0)
    light = np.where(samples / 255 <= 0.04045, samples / 255 / 12.92, ((samples / 255 + 0.055) / 1.055) ** 2.4)
    deep = np.round(light * 65535).astype(np.uint16)
    p3 = rgb_profile(P3, D65, CURVE)
    fixtures.add("linear16.png", png_with([gama(1)], deep), rgb, 0.6)
    fixtures.add("linear16.tif", lambda path: tifffile.imwrite(
        path, deep, photometric="rgb", iccprofile=rgb_profile(SRGB, D65, 1.0), metadata=None), rgb, 0.6)
    fixtures.add("p3_16.png", png_with([(b"iCCP", b"p3\0\0" + zlib.compress(p3))], samples.astype(np.uint16) * 257),
                 to_srgb(rgb, p3), 0.6)
    fixtures.add("plain16.tif", lambda path: tifffile.imwrite(
        path, samples.astype(np.uint16) * 257, photometric="rgb", metadata=None), rgb, 0)
    fixtures.add("float_linear.tif", lambda path: tifffile.imwrite(
        path, light.astype(np.float32), photometric="rgb", metadata=None, compression="zlib"), rgb, 0.6)
    fixtures.add("white_is_zero16.tif", lambda path: tifffile.imwrite(
        path, 65535 - np.asarray(grey).astype(np.uint16) * 257, photometric="miniswhite", metadata=None), grey, 0)


def add_png_chunks(fixtures, rgb):
    samples = np.asarray(rgb)
    srgb = (b"sRGB", b"\0")
    p3 = to_srgb(rgb, rgb_profile(P3, D65, CURVE))
    bt2020 = rgb_profile(((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65, CURVE)
    icc = b"iCCP", b"linear\0\0" + zlib.compress(rgb_profile(SRGB, D65, 1.0))
    fixtures.add("gama_22.png", png_with([gama(0.45455)], samples), rgb, 0)
    fixtures.add("gama_1.png", png_with([gama(1)], samples), to_srgb(rgb, rgb_profile(SRGB, D65, 1.0)), 0.6)
    fixtures.add("gama_chrm.png", png_with([gama(0.45455), chrm(ADOBE, D65)], samples),
                 to_srgb(rgb, rgb_profile(ADOBE, D65, 2.2)), 0.6)
    fixtures.add("srgb_over_gama.png", png_with([srgb, gama(1)], samples), rgb, 0)
    fixtures.add("gama_of_zero.png", png_with([gama(0)], samples), rgb, 0)
    fixtures.add("cicp_p3.png", png_with([(b"cICP", bytes([12, 13, 0, 1])), icc], samples), p3, 0.6)
    fixtures.add("cicp_2020.png", png_with([(b"cICP", bytes([9, 13, 0, 1]))], samples), to_srgb(rgb, bt2020), 0.6)
    fixtures.add("icc_over_gama.png", png_with([icc, gama(0.45455)], samples),
                 to_srgb(rgb, rgb_profile(SRGB, D65, 1.0)), 0.6)
    fixtures.add("grey_gama_1.png", png_with([gama(1)], np.asarray(rgb.convert("L"))),
                 to_srgb(rgb.convert("L"), grey_profile(1.0)), 0.6)


def without_adobe(jpeg):
    start = jpeg.index(b"\xff\xee")
    return jpeg[:start] + jpeg[start + 2 + struct.unpack(">H", jpeg[start + 2:start + 4])[0]:]


def add_print(fixtures, rgb):
    cmyk, icc = rgb.convert("CMYK"), cmyk_profile()
    options = {"format": "JPEG", "quality": 92}
    jpeg = stored(cmyk, **options)
    at = jpeg.index(b"Adobe") + 11  # 0: CMYK; 2: YCCK, of which this file's components then are the Y, Cb, Cr and K
    ycck = jpeg[:at] + b"\2" + jpeg[at + 1:]
    fixtures.add("cmyk.jpg", jpeg, decoded(jpeg), 0)
    fixtures.add("cmyk_no_adobe.jpg", without_adobe(jpeg), decoded(without_adobe(jpeg)), 0)
    fixtures.add("ycck.jpg", ycck, decoded(ycck), 0)
    fixtures.add("cmyk_tagged.jpg", stored(cmyk, **options, icc_profile=icc), to_srgb(decoded(jpeg), icc), 0.6)
    fixtures.add("cmyk.tif", stored(cmyk, format="TIFF"), cmyk, 0)
    fixtures.add("cmyk_tagged.tif", stored(cmyk, format="TIFF", icc_profile=icc), to_srgb(cmyk, icc), 0.6)
    inks = np.asarray(cmyk)
    fixtures.add("cmyk16_tagged.tif", lambda path: tifffile.imwrite(
        path, inks.astype(np.uint16) * 257, photometric="separated", iccprofile=icc, metadata=None,
        compression="zlib"), to_srgb(cmyk, icc), 0.6)
    lab = ImageCms.profileToProfile(rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
                                    outputMode="LAB")
    fixtures.add("lab.tif", stored(lab, format="TIFF"), rgb, 0.8)
    bytes_ = np.frombuffer(lab.tobytes(), np.uint8).reshape(HEIGHT, WIDTH, 3)
    signed = (bytes_[..., 1:] ^ 0x80).view(np.int8) if tiff_lab_is_offset(lab) else bytes_[..., 1:].view(np.int8)
    lab16 = np.concatenate([bytes_[..., :1].astype(np.uint16) * 257,
                            (signed.astype(np.int16) * 256).view(np.uint16)], axis=2)
    fixtures.add("lab16.tif", lambda path: tifffile.imwrite(path, lab16, photometric="cielab", metadata=None,
                                                            compression="zlib"), rgb, 0.8)


def tiff_lab_is_offset(lab):
    """Whether this Pillow keeps a* and b* in memory with 128 added."""
    neutral = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (128, 128, 128)), ImageCms.createProfile("sRGB"),
                                        ImageCms.createProfile("LAB"), outputMode="LAB")
    return 120 < neutral.tobytes()[1] < 136


def add_containers(fixtures, rgb):
    """HEIF and AVIF: turned by boxes; what Exif and XMP repeat does not turn again."""
    big = rgb.resize((64, 48), Image.Resampling.NEAREST)
    transpose = Image.Transpose
    turned = {1: None, 2: transpose.FLIP_LEFT_RIGHT, 3: transpose.ROTATE_180, 4: transpose.FLIP_TOP_BOTTOM,
              5: transpose.TRANSPOSE, 6: transpose.ROTATE_270, 7: transpose.TRANSVERSE, 8: transpose.ROTATE_90}
    avif = {"format": "AVIF", "quality": 90, "subsampling": "4:4:4", "codec": "aom"}
    for orientation, turn in turned.items():
        exif = Image.Exif()
        exif[0x112] = orientation
        fixtures.add(f"turned_{orientation}.avif", stored(big, **avif, exif=exif),
                     big.transpose(turn) if turn is not None else big, 2)
    # Exif says 6 beside the boxes that say 5: Pillow takes orientations out of Exif, so another tag is renamed.
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    exif = Image.Exif()
    exif[0x112], exif[0x115] = 5, 6
    data = patched(stored(big, **avif, exif=exif, xmp=xmp), b"\x01\x15\x00\x03\x00\x00\x00\x01\x00\x06",
                   b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")
    fixtures.add("turned_5_exif_6_xmp_3.avif", data, big.transpose(turned[5]), 2)
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x112] = 6
    heic = {"format": "HEIF", "quality": 90, "chroma": 444}
    fixtures.add("exif_6.heic", stored(big, **heic, exif=exif), big, 2)
    # pillow-heif writes XMP's orientation as an irot box.
    fixtures.add("turned_3_exif_6_xmp_3.heic", stored(big, **heic, exif=exif, xmp=xmp), big.transpose(turned[3]), 2)
    p3 = rgb_profile(P3, D65, CURVE)
    fixtures.add("p3.heic", stored(big, **heic, icc_profile=p3), to_srgb(big, p3), 2)
    fixtures.add("p3.avif", stored(big, **avif, icc_profile=p3), to_srgb(big, p3), 2)
    nclx = {"save_nclx_profile": True, "matrix_coefficients": 6}
    fixtures.add("p3_nclx.heic", stored(big, **heic, **nclx, color_primaries=12, transfer_characteristics=13),
                 to_srgb(big, p3), 2)
    for name, transfer in {"pq": 16, "hlg": 18}.items():
        with open(fixtures.path(f"{name}.heic"), "wb") as file:
            file.write(stored(big, **heic, **nclx, color_primaries=9, transfer_characteristics=transfer))
    with open(fixtures.path("pq.png"), "wb") as file:
        file.write(png_with([(b"cICP", bytes([9, 16, 0, 1]))], np.asarray(rgb)))
    deep = pillow_heif.from_bytes("RGB;16", big.size, (np.asarray(big).astype("<u2") * 257).tobytes())
    fixtures.add("ten_bits.heic", lambda path: deep.save(path, quality=90, chroma=444), big, 2)


def add_gain_map(fixtures, rgb):
    """Ultra HDR: an ordinary JPEG, then a second one, the gain map, behind it. The first is the photo."""
    icc = rgb_profile(P3, D65, CURVE)
    first = stored(rgb, format="JPEG", quality=92, subsampling=0, icc_profile=icc)
    gain = stored(rgb.convert("L").resize((8, 6)), format="JPEG")
    index = (b"MPF\0MM\0*" + struct.pack(">IH", 8, 3) + struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") +
             struct.pack(">HHII", 0xB001, 4, 1, 2) + struct.pack(">HHII", 0xB002, 7, 32, 50) + struct.pack(">I", 0))
    size = 4 + len(index) + 32
    entries = struct.pack(">IIIHH", 0x030000, len(first) + size, 0, 0, 0)
    entries += struct.pack(">IIIHH", 0, len(gain), len(first) + size - 2 - 4 - 4, 0, 0)
    segment = b"\xff\xe2" + struct.pack(">H", size - 2) + index + entries
    fixtures.add("ultra_hdr.jpg", first[:2] + segment + first[2:] + gain, to_srgb(decoded(first), icc), 0.6)


def add_refused(fixtures, rgb):
    samples = np.asarray(rgb)
    tiffs = {"float_grey": (samples[..., 0] / 255).astype(np.float32), "signed16": samples.astype(np.int16),
             "integers32": samples.astype(np.uint32) << 24}
    for name, values in tiffs.items():
        tifffile.imwrite(fixtures.path(f"{name}.tif"), values, metadata=None, compression="zlib",
                         photometric="rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(fixtures.path("icc_lab.tif"), samples, photometric="icclab", metadata=None, compression="zlib")
    rgb.convert("YCbCr").save(fixtures.path("ycbcr.tif"))


def main():
    fixtures, rgb = Fixtures(), Image.fromarray(picture())
    for part in (add_rgb_profiles, add_grey_and_deep, add_png_chunks, add_print, add_containers, add_gain_map, add_refused):
        part(fixtures, rgb)


main()
