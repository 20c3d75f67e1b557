#!/bin/sh
# Installs, takes the build tree's and the cache's libraries away, and checks that the installed program still works
# and that a stranger's program builds against the installed library.
#   run.sh BUILD-TREE CACHE-FOLDER WORK-FOLDER
set -eu
build=$1 cache=$2 work=$3 source=$(cd "$(dirname "$0")" && pwd)
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

cmake -S "$source" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >"$work/consumer.log"
cmake --build "$work/consumer" >>"$work/consumer.log"
away "$work/consumer/consumer"
"$work/consumer/consumer" "$work/prefix/share/likeness/models/mtcnn" | grep -q '^0 faces'
echo "the installed program and library work"
