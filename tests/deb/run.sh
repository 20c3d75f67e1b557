#!/bin/sh
# Makes the .deb and installs it into a fresh Debian 12, where the program must run with what the package brings and
# asks for. Needs root, debootstrap and a Debian mirror; the bare system is kept in CACHE-FOLDER for the next time.
#   run.sh BUILD-TREE CACHE-FOLDER WORK-FOLDER [PHOTO]
# Ends with 77 where LIKENESS_LONG is not set (it downloads, and takes minutes), or this machine cannot do it.
set -eu
build=$1 cache=$2 work=$3 photo=${4:-}
[ -n "${LIKENESS_LONG:-}" ] || { echo "skipped: a long test"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skipped: chroot needs root"; exit 77; }
unshare --mount true 2>/dev/null || { echo "skipped: no mounts of one's own here"; exit 77; }
command -v debootstrap >/dev/null || { echo "skipped: there is no debootstrap"; exit 77; }
mirror=${LIKENESS_DEBIAN_MIRROR:-http://deb.debian.org/debian}

rm -rf "$work" && mkdir -p "$work/deb" "$work/root"
cpack --config "$build/CPackConfig.cmake" -B "$work/deb" >"$work/cpack.log" 2>&1 || { tail "$work/cpack.log"; exit 1; }
deb=$(echo "$work"/deb/likeness_*.deb)
[ -f "$deb" ] || { echo "cpack made no likeness_*.deb"; exit 1; }

bare="$cache/debian12.tar"
if [ ! -f "$bare" ]; then
  debootstrap --variant=minbase bookworm "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 5 "$work/debootstrap.log"; exit 1; }
  tar -C "$work/root" -cf "$bare.part" . && mv "$bare.part" "$bare"
else
  tar -C "$work/root" -xf "$bare"
fi
cp "$deb" "$work/root/likeness.deb"
cp /etc/resolv.conf "$work/root/etc/resolv.conf"
# With a /proc, which the loader needs to find a program's own libraries; it is gone again with the command.
inside() {
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$work/root" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
{ inside apt-get update && inside apt-get install -y --no-install-recommends /likeness.deb; } >"$work/apt.log" 2>&1 ||
  { tail -n 20 "$work/apt.log"; exit 1; }

inside likeness --version | grep -qx "likeness $(dpkg-deb -f "$deb" Version)"
for file in /usr/share/man/man1/likeness.1 /usr/share/bash-completion/completions/likeness /usr/share/doc/likeness/LICENSE \
  /usr/lib/systemd/system/likeness.service; do
  [ -f "$work/root$file" ] || [ -f "$work/root$file.gz" ] || { echo "$file is not in the package"; exit 1; }
done
inside sh -c 'LD_LIBRARY_PATH= ldd /usr/bin/likeness /usr/lib/liblikeness.so.0' | grep 'not found' && exit 1
if [ -n "$photo" ] && [ -f "$photo" ]; then
  cp "$photo" "$work/root/photo.jpg"
  inside likeness detect /photo.jpg >"$work/detect.out"
  grep -q photo.jpg "$work/detect.out" || { echo "likeness detect says: $(cat "$work/detect.out")"; exit 1; }
fi
# A model's whole road, with the packs that the package brings, where it does.
if [ -d "$work/root/usr/share/likeness/models/20180408-102900" ]; then
  inside likeness model test 20180408-102900
  inside likeness serve --gallery /people.gallery --check
fi
inside apt-get remove -y likeness >>"$work/apt.log" 2>&1
[ ! -e "$work/root/usr/bin/likeness" ] || { echo "the program is still there after removal"; exit 1; }
rm -rf "$work/root"
echo "the package installs, runs and goes: $(du -h "$deb" | cut -f1), Depends: $(dpkg-deb -f "$deb" Depends)"
