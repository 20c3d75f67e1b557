#!/bin/bash
# Installs the wheel where users would: beside other packages that bring native libraries, and into bare Debian 12 and 13
# with nothing but python3 and pip (as root, with debootstrap; else those are skipped by name). Downloads.
#   run.sh WHEEL [WORK-FOLDER]
set -eu
wheel=$1 work=${2:-build/wheel_test}
root=$(cd "$(dirname "$0")/../.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/likeness"
photo=${LIKENESS_SHARED:-$root/../shared}/data/photos/face_recognition/test_images/obama.jpg
mirror=${LIKENESS_DEBIAN_MIRROR:-http://deb.debian.org/debian}
mkdir -p "$work"
work=$(cd "$work" && pwd)
cd "$work"
say() { echo "wheel test: $*"; }

# --- Fresh environments: the wheel alone, then beside others, imported before and after -----------------------------
rm -rf env && python3 -m venv env
env/bin/pip install -q "$wheel" pytest pillow
[ ! -d "$root/models/20180408-102900" ] || export LIKENESS_MODELS="$root/models"
env -u PYTHONPATH env/bin/python -m pytest -q -p no:cacheprovider "$root/python" \
  --deselect "$root/python/tests/test_process.py::test_stubs_are_of_this_module"
say "the tests pass on the installed wheel"
if [ -n "${LIKENESS_LONG:-}" ]; then
  # OpenVINO from its own wheel, loaded when a pack needs it and not before.
  env/bin/pip install -q openvino==2026.4.1
  env/bin/python -m pytest -q -p no:cacheprovider "$root/python/tests/test_parts.py" -k openvino
  # together MODULES: imported in this order in one process, and then faces are found in pixels and in a file.
  together() {
    env/bin/python - "$root/python/tests" "$1" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
for module in sys.argv[2].split(", "):
    __import__(module)
import pathlib, tempfile, zipfile
import likeness
from drawn import ROOT, portrait
with tempfile.TemporaryDirectory() as folder:
    zipfile.ZipFile(ROOT / "tests/tiny/packs.zip").extractall(folder)
    recognizer = likeness.Recognizer("tiny", models=folder, threads=2)
    assert len(recognizer.find(portrait(1, 5))) == 1
    data = likeness._native.encode_png(portrait(1, 5))
    assert len(recognizer.find(data)) == 1
PY
    say "works with: import $1"
  }
  names=""
  for package in opencv-python-headless openvino==2026.4.1 torch tensorflow; do
    name=$(echo "$package" | sed -E 's/opencv.*/cv2/; s/==.*//')
    env/bin/pip install -q "$package" || { say "$package cannot be had"; continue; }
    together "$name, likeness"
    together "likeness, $name"
    names="$names, $name"
  done
  together "${names#, }, likeness"
  together "likeness$names"
fi

# --- Bare systems ----------------------------------------------------------------------------------------------------
[ "$(id -u)" = 0 ] || { say "skipped bare systems: chroot needs root"; exit 0; }
unshare --mount true 2>/dev/null || { say "skipped bare systems: no mounts of one's own here"; exit 0; }
command -v debootstrap >/dev/null || { say "skipped bare systems: there is no debootstrap"; exit 0; }
for release in bookworm trixie; do
  bare="$cache/bare-python-$release.tar"
  rm -rf root && mkdir root
  if [ ! -f "$bare" ]; then
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates --no-check-gpg "$release" root "$mirror" \
      >debootstrap.log 2>&1 || { tail -n 5 debootstrap.log; exit 1; }
    tar -C root -cf "$bare.part" . && mv "$bare.part" "$bare"
  else
    tar -C root -xf "$bare"
  fi
  cp "$wheel" root/tmp/
  cp /etc/resolv.conf root/etc/resolv.conf
  [ ! -f /etc/pip.conf ] || cp /etc/pip.conf root/etc/pip.conf
  # The same certificates: the host may trust its own.
  cp /etc/ssl/certs/ca-certificates.crt root/etc/ssl/certs/ca-certificates.crt
  # What pip is told by the environment of this machine.
  settings=$(env | grep -E '^(PIP_|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)' || true)
  inside() {
    # shellcheck disable=SC2086
    unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$work/root" env -i \
      PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LC_ALL=C.UTF-8 $settings "$@"
  }
  inside python3 -m pip install -q --root-user-action=ignore --break-system-packages "/tmp/$(basename "$wheel")"
  inside python3 -m likeness setup
  if [ -f "$photo" ]; then cp "$photo" root/photo.jpg; else say "$photo is not there"; exit 1; fi
  inside python3 -X dev -W error -c "
import likeness
faces = likeness.Recognizer().find('/photo.jpg')
assert faces and faces[0].score > 0.99, faces
print(likeness.__version__, faces[0])
"
  say "installed, set up and answered in a bare $release: $(cat root/etc/debian_version), $(inside python3 --version)"
  rm -rf root
done
