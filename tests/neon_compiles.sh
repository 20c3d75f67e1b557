#!/bin/bash
# Every Highway source compiles for 64-bit ARM (NEON). Compiles only, nothing runs; not part of scripts/test, for the
# compiler is large. Needs Debian's g++-aarch64-linux-gnu. Run from anywhere.
set -u
cd "$(dirname "$0")/.." || exit 1
compiler=${AARCH64_CXX:-aarch64-linux-gnu-g++}
command -v "$compiler" >/dev/null || { echo "neon: no $compiler; apt-get install g++-aarch64-linux-gnu" >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
# Header-only libraries of this machine, without the rest of its /usr/include.
mkdir "$work/include"
for library in hwy nlohmann; do
  [ -d "/usr/include/$library" ] && ln -s "/usr/include/$library" "$work/include/$library"
done
# As in cmake/dependencies.cmake: vectors of a size unknown to the compiler cannot be members or array elements.
no_sve='-DHWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128)'
failed=0
for source in $(grep -l 'hwy/foreach_target.h' -r likeness --include='*.cpp' | sort); do
  if "$compiler" -std=c++20 -O3 -Wall -Wextra -Wno-psabi -Wno-missing-field-initializers -Werror -I. \
    -I"$work/include" -DHWY_BROKEN_EMU128=0 "$no_sve" -c "$source" -o "$work/object.o"; then
    echo "neon: $source compiles"
  else
    echo "neon: $source does not compile" >&2
    failed=1
  fi
done
exit $failed
