#!/usr/bin/env python3
"""What scripts/wheel does inside a wheel.

  wheel_parts.py add-module WHEEL            puts libvips' module for HEIF and AVIF beside the other libraries
  wheel_parts.py finish WHEEL FOLDER CACHE   moves it where libvips looks, and lists every library with its licence
"""
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

#: Where auditwheel sees it, and where libvips' own folder is then.
BEFORE, AFTER = "likeness/_libs", "likeness.libs"


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def unpacked(wheel, folder):
    run(sys.executable, "-m", "wheel", "unpack", "--dest", folder, wheel)
    return next(pathlib.Path(folder).iterdir())


def module_folder():
    """Debian's folder of libvips' modules, e.g. /usr/lib/x86_64-linux-gnu/vips-modules-8.14; none: all is built in."""
    return next(iter(pathlib.Path("/usr/lib").glob("*/vips-modules-*")), None)


def add_module(wheel):
    modules = module_folder()
    if modules is None or not (modules / "vips-heif.so").exists():
        return
    with tempfile.TemporaryDirectory() as temporary:
        tree = unpacked(wheel, temporary)
        shutil.copy(modules / "vips-heif.so", tree / BEFORE / "vips-heif.so")
        run(sys.executable, "-m", "wheel", "pack", "--dest", pathlib.Path(wheel).parent, tree)


def move_module(tree):
    module = tree / BEFORE / "vips-heif.so"
    if not module.exists():
        return
    target = tree / AFTER / module_folder().name / "vips-heif.so"
    target.parent.mkdir()
    shutil.move(module, target)
    run("patchelf", "--set-rpath", "$ORIGIN/..", target)


#: What manylinux expects of every system, and a bare Debian lacks. GLib above all: ours must not meet another one.
BRING = {"libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0", "libX11.so.6", "libXext.so.6",
         "libXrender.so.1", "libICE.so.6", "libSM.so.6"}  # fmt: skip


def bring_more(tree):
    """Adds the libraries of BRING that the tree needs, and what they need, under names of their own as auditwheel does."""
    while True:
        libraries = list((tree / AFTER).rglob("*.so*"))
        here = {original_name(library.name): library.name for library in libraries}
        missing = set()
        for file in [*(tree / "likeness").rglob("*.so"), *libraries]:
            changes = []
            for name in set(run("patchelf", "--print-needed", file).split()) - set(here.values()):
                ours = next((new for old, new in here.items() if old.startswith(name)), None)
                changes += ["--replace-needed", name, ours] if ours else []
                missing |= {name} & BRING if not ours else set()
            if changes:
                run("patchelf", *changes, file)
        if not missing:
            return
        for name in missing:
            source = next(pathlib.Path("/usr/lib").glob(f"*/{name}"), None)
            if source is None:
                sys.exit(f"{name} is not on this machine")
            stem, rest = source.resolve().name.split(".", 1)
            digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
            target = tree / AFTER / f"{stem}-{digest}.{rest}"
            shutil.copy(source, target)
            run("patchelf", "--set-soname", target.name, "--set-rpath", "$ORIGIN", target)


def original_name(name):
    """libvips-0a1b2c3d.so.42.16.1 was libvips.so.42.16.1."""
    return re.sub(r"-[0-9a-f]{8}(?=\.)", "", name, count=1)


def debian_package(name):
    """The package that has this library; none where no package has."""
    found = subprocess.run(["dpkg-query", "-S", f"*/{name}"], capture_output=True, text=True, check=False).stdout
    packages = [line.split(":")[0] for line in found.splitlines() if not line.startswith("diversion")]
    return packages[0] if packages else None


def licence_names(text):
    return sorted(set(re.findall(r"^License: *(\S.*)$", text, re.M))) or ["see the text"]


def list_licences(tree, cache):
    info = next(tree.glob("*.dist-info"))
    folder = info / "licenses"
    folder.mkdir(exist_ok=True)
    shutil.copy(pathlib.Path("LICENSE"), folder / "LICENSE")
    lines = ["likeness: MIT, see LICENSE. Libraries of others in this wheel, as Debian or OpenVINO's wheel has them:", ""]
    unknown = []
    for library in sorted((tree / AFTER).rglob("*.so*")):
        name = original_name(library.name)
        package = None if name.startswith(("libtbb", "libhwloc")) else debian_package(name)
        if package is not None:
            source = pathlib.Path("/usr/share/doc") / package / "copyright"
            shutil.copy(source, folder / f"{package}.copyright")
            version = run("dpkg-query", "-W", "-f", "${Version}", package)
            kinds = licence_names(source.read_text(errors="replace"))
            lines.append(f"{name}: Debian's {package} {version}; {', '.join(kinds)}; text in {package}.copyright")
            continue
        texts = [path for path in pathlib.Path(cache).glob("openvino-*/openvino-*.dist-info/licenses/**/*")
                 if path.is_file() and path.name in ("LICENSE", "onetbb_third-party-programs.txt")]  # fmt: skip
        if not name.startswith(("libtbb", "libhwloc")) or not texts:
            unknown.append(name)
            continue
        for text in texts:
            shutil.copy(text, folder / f"openvino-{text.name}")
        lines.append(f"{name}: OpenVINO's wheel; texts in {', '.join(f'openvino-{t.name}' for t in texts)}")
    if unknown:
        sys.exit(f"nobody knows the licence of {', '.join(unknown)}")
    (folder / "BUNDLED.txt").write_text("\n".join(lines) + "\n")


def finish(wheel, out, cache):
    with tempfile.TemporaryDirectory() as temporary:
        tree = unpacked(wheel, temporary)
        move_module(tree)
        bring_more(tree)
        list_licences(tree, cache)
        run(sys.executable, "-m", "wheel", "pack", "--dest", out, tree)


if __name__ == "__main__":
    {"add-module": add_module, "finish": finish}[sys.argv[1]](*sys.argv[2:])
