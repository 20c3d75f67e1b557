#!/bin/bash
# Where today's public tools and ours meet: sets the tools up in environments of their own, has them make files, and
# runs ours on those: models of Keras, tf_keras, tf2onnx, torch, ONNX Runtime and OpenVINO; photos of Pillow,
# pillow-heif and tifffile; datasets of NumPy and scikit-learn, and scikit-learn's classifier beside ours. Ends with a
# line that says with which tool's files ours fails. The stored fixtures are such files, made once: testdata/meeting in
# likeness/embed and likeness/dataset, and testdata/colour in likeness/image.
#
#   tests/meeting/run.sh BUILD [FOLDER]      BUILD: a folder with the dev build, e.g. build/dev
#
# Needs Python 3.11 and PyPI, from which it fetches 1.1 GB (150 s of processor time, and 50 s for torch's exports of small
# networks); 2 GB of disk are taken meanwhile. Environments and files lie in a temporary folder that is removed at the end;
# with FOLDER the files stay there.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ $# -ge 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
files=${2:-$place/files}
mkdir -p "$files" || exit 1
say() { echo "meeting: $*"; }
fail() { echo "meeting: $*" >&2; exit 1; }

# environment NAME PACKAGE...: a Python of its own; further packages with --no-deps by `add`.
environment() {
  say "setting up $1"
  python3 -m venv "$place/$1" >"$place/log" 2>&1 ||
    { tail -3 "$place/log"; fail "no venv: apt-get install python3-venv"; }
  add "$@"
}
add() {
  "$place/$1/bin/pip" install -q --no-cache-dir --disable-pip-version-check --only-binary=:all: "${@:2}" \
    >"$place/log" 2>&1 || { tail -5 "$place/log"; fail "PyPI did not give ${*:2}"; }
}
# make ENVIRONMENT WHAT SCRIPT ARGUMENT...
make() {
  say "$2 makes files"
  "$place/$1/bin/python" -W ignore "${@:3}" >"$place/log" 2>&1 ||
    { tail -5 "$place/log"; fail "$2 could not make its files"; }
}
# check WHAT COMMAND...: ours on those files.
wrong=""
check() {
  say "ours on the files of $1"
  "${@:2}" >"$place/log" 2>&1 || { grep -vE '^\[ +(OK|RUN|---)' "$place/log" | tail -40; wrong="$wrong; $1"; }
}

models=tests/meeting/make_models.py
networks=tools/make_network_files.py
environment torch --no-deps torch==2.15.0 filelock==4.3.1 fsspec==2026.9.0 Jinja2==3.1.6 MarkupSafe==3.0.4 \
  mpmath==1.4.1 networkx==3.6.1 numpy==2.4.6 onnx==1.23.2 onnx-ir==1.1.0 onnxscript==0.7.2 ml_dtypes==0.6.0 \
  packaging==26.4 protobuf==7.36.2 sympy==1.14.0 typing_extensions==4.16.0
python3 tests/meeting/torch_without_gpu.py "$place/torch" || fail "torch cannot be brought to run without a GPU"
make torch torch $models torch "$files/models"
make torch "torch's exporter" $networks torch "$files/networks"
rm -rf "$place/torch"

environment keras tensorflow-cpu==2.21.0 keras==3.15.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 h5py==3.14.0
add keras --no-deps tf_keras==2.21.0 tf2onnx==1.17.0
make keras Keras $models keras "$files/models"
make keras "tf_keras and tf2onnx" $models tf_keras "$files/models"
make keras "ONNX Runtime" $models onnxruntime "$files/models"
make keras "Keras's exporter and tf2onnx" $networks keras "$files/networks"
make keras "ONNX Runtime's quantiser" $networks quantised "$files/networks"
rm -rf "$place/keras"

environment others openvino==2026.4.1 scikit-learn==1.9.1 numpy==2.4.6 Pillow==13.0.0 pillow-heif==1.8.1 \
  tifffile==2026.3.3
make others OpenVINO $models openvino "$files/models"
make others "OpenVINO's exporter" $networks openvino "$files/networks"
make others "NumPy and scikit-learn" tests/meeting/make_datasets.py "$files/datasets"
make others "Pillow, pillow-heif and tifffile" tools/make_colour_fixtures.py "$files/colour"

export LIKENESS_MEETING="$files/models" LIKENESS_NETWORKS="$files/networks" LIKENESS_DATASETS="$files/datasets" LIKENESS_COLOURS="$files/colour"
check "Keras, tf_keras, tf2onnx, torch, ONNX Runtime, OpenVINO" "$build/stages/embed/meeting_test"
check "NumPy and scikit-learn" "$build/stages/dataset/meeting_datasets_test"
check "Pillow, pillow-heif, tifffile" "$build/stages/image/color_test"
check "scikit-learn's classifier" "$place/others/bin/python" tests/meeting/compare_classifiers.py "$build/likeness" \
  "$files"
[ -z "$wrong" ] || fail "ours gives other answers than${wrong#;}"
say "ours and today's tools agree"
