#!/bin/sh
# Sets up today's public tools in environments of their own, has them make files, and runs our tests on those: models
# of Keras, tf_keras, tf2onnx, torch and OpenVINO; photos of Pillow, pillow-heif and tifffile; classifiers of
# scikit-learn. The stored fixtures are such files, made once: likeness/embed/testdata/meeting and
# likeness/image/testdata/colour.
#
#   tests/meeting/run.sh BUILD      BUILD: a build folder with meeting_test, color_test and likeness, e.g. build/dev
#
# Needs Python 3.11 and PyPI the first time (torch alone takes 6 GB); environments stay in the cache folder.
set -eu
cd "$(dirname "$0")/../.."
build=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/likeness/meeting
mkdir -p "$cache"
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

# environment NAME PACKAGE...: made once for these versions.
environment() {
  name=$1
  shift
  [ "$(cat "$cache/$name/packages" 2>/dev/null)" = "$*" ] && return
  rm -rf "${cache:?}/$name"
  python3 -m venv "$cache/$name"
  "$cache/$name/bin/pip" install -q "$@"
  echo "$*" >"$cache/$name/packages"
}

environment keras tensorflow-cpu==2.21.0 keras==3.15.1 tf_keras==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.4.6 h5py
environment torch torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
environment openvino openvino==2026.4.1 scikit-learn==1.9.1 numpy==2.4.6
environment pictures Pillow==13.0.0 pillow-heif==1.8.1 tifffile==2026.3.3 numpy==2.4.6

for tool in keras tf_keras torch openvino; do
  environment=$tool
  [ "$tool" = tf_keras ] && environment=keras
  "$cache/$environment/bin/python" tests/meeting/make_models.py $tool "$files/models" >"$files/$tool.log" 2>&1 ||
    { tail -5 "$files/$tool.log"; exit 1; }
done
LIKENESS_MEETING="$files/models" "$build/stages/embed/meeting_test"

"$cache/pictures/bin/python" -W ignore tools/make_colour_fixtures.py "$files/colour"
LIKENESS_COLOURS="$files/colour" "$build/stages/image/color_test"

"$cache/openvino/bin/python" tests/meeting/compare_classifiers.py "$build/likeness" "$files"
