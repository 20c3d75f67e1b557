#!/usr/bin/env python3
"""Lets PyPI's torch run on its own: stand-ins for the GPU's libraries, of which every call says "no device".

    torch_without_gpu.py ENVIRONMENT      ENVIRONMENT: where torch was installed with --no-deps

PyPI's wheel for x86-64 is linked to 3 GB of libraries of a GPU that no test here has. Each library that torch's own
need and do not find beside them is made by gcc, with the functions they want of it. Needs gcc and binutils.
"""
import pathlib
import re
import subprocess
import sys

GPU = re.compile(r"lib(cu|nv|nccl)")
NO_DEVICE = 100  # cudaErrorNoDevice; any other number is a failure to the other libraries


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    folder = next(pathlib.Path(sys.argv[1]).glob("lib/python3*/site-packages/torch/lib"))
    own, wanted = set(), set()
    versions = {}   # of a GPU's library: the name that its symbols carry behind an @
    for library in folder.glob("*.so*"):
        for line in lines("readelf", "-dVW", library):
            needed = re.search(r"\(NEEDED\).*\[(.*)\]", line)
            file = re.search(r"File: (\S+)", line)
            version = re.search(r" Name: (\S+)", line)
            if needed and GPU.match(needed[1]) and not (folder / needed[1]).exists():
                versions.setdefault(needed[1], "")
            if file:
                asked = file[1]
            elif version and GPU.match(asked):
                versions[asked] = version[1]
        for line in lines("nm", "-D", library):
            kind, symbol = line.split()[-2:]
            (wanted if kind == "U" else own).add(symbol)
    symbols = [symbol.partition("@") for symbol in wanted - own]
    for library, version in versions.items():
        # Those without a version are of several libraries; any of them will do.
        functions = {name for name, _, of in symbols if of == version and (of or re.match("cu|nccl|nv", name))}
        build(folder, library, version, sorted(functions))


def build(folder, library, version, functions):
    code = "".join(f'const char *{name}(void) {{ return ""; }}\n' if name.endswith(("String", "Name"))
                   else f"long {name}(void) {{ return {NO_DEVICE}; }}\n" for name in functions)
    exported = folder / "exported.map"
    exported.write_text(version + " { *; };")
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{library}", f"-Wl,--version-script,{exported}",
                    "-x", "c", "-", "-o", folder / library], input=code, text=True, check=True)
    exported.unlink()


main()
