#!/bin/sh
# Installs, takes the build tree's and the cache's libraries away, and checks that the installed program still works
# and that a stranger's program builds against the installed library.
#   run.sh BUILD-TREE CACHE-FOLDER WORK-FOLDER PHOTO-FOLDER
set -eu
build=$1 cache=$2 work=$3 photos=$4 source=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work" && mkdir -p "$work/elsewhere"
cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"

# "Moved away" without disturbing the tests that run beside this one: nothing the programs load may lie there.
away() { ldd "$1" | grep -v "$work" | grep -E "$build|$cache" && { echo "$1 needs files that an installed program must not need"; exit 1; }; true; }
away "$work/prefix/bin/likeness"

cd "$work/elsewhere"
env -u LIKENESS_MODELS HOME="$work/elsewhere" XDG_CACHE_HOME="$work/elsewhere" "$work/prefix/bin/likeness" --version
printf 'P6 1 1 255 abc' >not_a_photo.jpg
set +e
env -u LIKENESS_MODELS HOME="$work/elsewhere" XDG_CACHE_HOME="$work/elsewhere" \
  "$work/prefix/bin/likeness" detect not_a_photo.jpg 2>message
code=$?
set -e
[ "$code" = 3 ] || { echo "detect ended with $code instead of 3:"; cat message; exit 1; }
grep -q not_a_photo.jpg message

# A stranger's program, over the shared and the static library, found by CMake and by pkg-config. It does the main job:
# of a photo of one person where there is one here, else of a picture without a face.
answer='0 faces'
set -- "$work/prefix/share/likeness/models"
if [ -f "$photos/obama.jpg" ]; then set -- "$@" "$photos/obama.jpg" && answer='2 faces, cosine 1'; fi  # a person and a false alarm
for link in likeness static; do
  cmake -S "$source" -B "$work/$link" -DLINK=$link -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >"$work/$link.log"
  cmake --build "$work/$link" >>"$work/$link.log"
  away "$work/$link/consumer"
  "$work/$link/consumer" "$@" | grep -qx "$answer" || { echo "the consumer of $link does not say: $answer"; exit 1; }
done
readelf -d "$work/likeness/consumer" | grep -q 'liblikeness\.so\.0' || { echo "the consumer does not ask for liblikeness.so.0"; exit 1; }
readelf -d "$work/static/consumer" | grep -q 'liblikeness' && { echo "the static consumer asks for the shared library"; exit 1; }
export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
# shellcheck disable=SC2046
${CXX:-c++} -std=c++20 "$source/consumer.cpp" -o "$work/by_pkg_config" $(pkg-config --cflags --libs likeness)
LD_LIBRARY_PATH="$work/prefix/lib" "$work/by_pkg_config" "$@" | grep -qx "$answer" ||
  { echo "the consumer that pkg-config helped to build does not say: $answer"; exit 1; }
# What it shows is the project's own.
others=$(nm -DC --defined-only "$work/prefix/lib/liblikeness.so" | grep -vE ' (likeness::|(typeinfo|typeinfo name|vtable) for likeness::)' || true)
[ -z "$others" ] || { echo "liblikeness.so shows names of others:"; echo "$others" | head; exit 1; }

# With OpenVINO's libraries gone everything works that does not need them, and the rest names what is missing.
installed() { env HOME="$work/elsewhere" XDG_CACHE_HOME="$work/elsewhere" LIKENESS_MODELS="$work/prefix/share/likeness/models" "$work/prefix/bin/likeness" "$@"; }
mkdir "$work/gone"
find "$work/prefix" -name 'libopenvino*' -exec mv {} "$work/gone" \;
ls "$work/gone" | grep -q '^libopenvino.so' || { echo "no OpenVINO was installed"; exit 1; }
installed --version >/dev/null
installed model test mtcnn 20180408-102900 >message
grep -q '^mtcnn: .*networks load' message && grep -q '^20180408-102900: .*self-test passed' message || { cat message; exit 1; }
cp "$source/../../likeness/embed/testdata/aligned.onnx" net.onnx
set +e
installed model import net.onnx --name x --models "$work/elsewhere/models" --standardization fixed --mean 127.5 --scale 128 --channels bgr --profile aligned >message 2>&1
code=$?
set -e
[ "$code" = 2 ] && grep -q 'net.onnx needs OpenVINO, which cannot be loaded: libopenvino.so' message ||
  { echo "import ended with $code"; cat message; exit 1; }
for consumer in likeness static; do
  "$work/$consumer/consumer" "$@" | grep -qx "$answer" || { echo "the consumer of $consumer needs OpenVINO"; exit 1; }
done
mv "$work"/gone/libopenvino* "$(dirname "$(find "$work/prefix" -name liblikeness_openvino.so)")"
set +e
installed model import net.onnx --name x --models "$work/elsewhere/models" --standardization fixed --mean 127.5 --scale 128 --channels bgr --profile aligned >message 2>&1
code=$?
set -e
[ "$code" = 0 ] || { echo "import ended with $code"; cat message; exit 1; }
echo "the installed program and library work"
