#!/bin/bash
# The page in Debian's Chromium, driven by selenium; what is missing is installed.
#   tests/page/run.sh LIKENESS PAGE_WORLD PACKS FOLDER CACHE
# LIKENESS_PAGE_SHOTS=FOLDER: screenshots of every view, light, dark and as wide as a phone.
set -u
program=$1 world=$2 packs=$3 folder=$4 cache=$5
here=$(cd "$(dirname "$0")" && pwd)
selenium=4.51.0 axe=2.1.6
venv="$cache/page-$selenium-$axe"
fail() { echo "page: $1" >&2; exit 1; }

rm -rf "$folder" && mkdir -p "$folder" "$cache" || fail "cannot write $folder"
if ! command -v chromedriver >/dev/null || ! command -v chromium >/dev/null; then
  command -v apt-get >/dev/null || fail "this is not Debian: install chromium and chromium-driver by hand"
  root=""
  [ "$(id -u)" = 0 ] || root=sudo
  { $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver; } \
    >"$folder/apt.log" 2>&1 || fail "apt-get could not install chromium and chromium-driver; see $folder/apt.log"
fi
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c "import selenium, axe_selenium_python" 2>/dev/null; then
  rm -rf "$venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "selenium==$selenium" "axe-selenium-python==$axe"; } \
    >"$folder/pip.log" 2>&1 || fail "pip could not install selenium and axe; see $folder/pip.log"
fi
# In memory, where 10,000 enrolments need not wait for a disk.
memory=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || fail "cannot make a folder for the crowd"
trap 'rm -rf "$memory"' EXIT
"$world" "$memory" && cp -r "$memory/." "$folder" || fail "cannot make the photos and the crowd"
rm -rf "$memory"
SE_AVOID_STATS=true exec "$venv/bin/python" "$here/page_test.py" "$program" "$packs" "$folder"
