"""Writes likeness/npz/testdata/: small arrays as NumPy stores them. Run from the root; made with NumPy 2."""
import io
import struct
import zipfile

import numpy as np

OUT = "likeness/npz/testdata/"
grid = np.arange(24, dtype="<f4").reshape(2, 3, 4) / 8
arrays = {
    "f4": grid,
    "f8": grid.astype("<f8"),
    "u1": np.arange(12, dtype="u1").reshape(2, 2, 3),
    "i4": np.array([-1, 2, 2**31 - 1], "<i4"),
    "i8": np.array([[-1], [2**62]], "<i8"),
    "b1": np.array([True, False, True]),
    "names": np.array(["Ben Afflek", "Zoë", "李", "", "🙂 x"]),
    "one": np.array('{"a": 1}'),
    "empty": np.zeros((0, 4), "<f4"),
    "fortran": np.asfortranarray(grid),
    "big": grid.astype(">f4"),
    "big_names": np.array(["Zoë", "b"]).astype(">U3"),
}
np.savez(OUT + "stored.npz", **arrays)
np.savez_compressed(OUT + "deflated.npz", **arrays)
# What other programs' data sets hold.
np.savez(
    OUT + "foreign.npz",
    emdTrainX=np.array([[0.5, -2, 1 / 3], [65504, 6e-8, 0]], "<f2"),
    trainy=np.array(["Zoë".encode(), b"Bo"]),
    emdTestX=np.array([[1, 2, 3]], ">f8"),
    testy=np.array([[b"Bo"]]),
    i1=np.array([-128, 127], "i1"),
    u2=np.array([65535, 1], ">u2"),
    u8=np.array([2**64 - 1, 1], "<u8"),
    latin=np.array([b"Zo\xeb"]),
)


def npy(version, array):
    raw = io.BytesIO()
    np.lib.format.write_array(raw, array, version=version)
    return raw.getvalue()


def header(text, data=b""):
    text = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


with zipfile.ZipFile(OUT + "versions.npz", "w") as z:
    for major in (1, 2, 3):
        z.writestr(f"v{major}.npy", npy((major, 0), arrays["i4"]))
    z.writestr("readme.txt", "not an array")
with zipfile.ZipFile(OUT + "refused.npz", "w") as z:
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    z.writestr("object.npy", pickled.getvalue())
    z.writestr("complex.npy", npy((1, 0), np.zeros(2, "<c8")))
    z.writestr("structured.npy", npy((1, 0), np.zeros(2, [("x", "<f4")])))
    z.writestr("bytes.npy", npy((1, 0), np.array([b"abc"])))
    z.writestr("short.npy", npy((1, 0), grid)[:-1])
    z.writestr("magic.npy", b"x" * 80)
    z.writestr("huge.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"))
    z.writestr("many.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }", b"1234"))
    z.writestr("zero_width.npy", header("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,), }"))
    z.writestr("surrogate.npy",
               header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", struct.pack("<I", 0xD800)))
    z.writestr("negative.npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"))
    z.writestr("v9.npy", b"\x93NUMPY\x09\x00" + npy((1, 0), grid)[8:])

# A directory that claims a member of 5 GiB, in zip64's way, before nothing at all.
name = b"giant.npy"
sizes = struct.pack("<HHQQ", 1, 16, 5 << 30, 5 << 30)
local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 0, 0, 33, 0, 2**32 - 1, 2**32 - 1, len(name), 20) + name + sizes
central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 45, 45, 0, 0, 0, 33, 0, 2**32 - 1, 2**32 - 1, len(name), 20, 0, 0,
                      0, 0, 0) + name + sizes
end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
with open(OUT + "giant.npz", "wb") as f:
    f.write(local + central + end)
