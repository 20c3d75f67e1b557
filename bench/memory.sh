#!/bin/bash
# Whether memory stays flat: predicts every photo of a folder twice over in one process, and tells the peak after the
# first 1,000 photos and at the end. Goal: at most 1.05 times.
#   bench/memory.sh LIKENESS PEOPLE.npz FOLDER [options of predict...]
set -u
if [ $# -lt 3 ]; then sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2; fi
likeness=$1 people=$2 folder=$3
shift 3
pipe=$(mktemp -u) && mkfifo "$pipe" && trap 'rm -f "$pipe"' EXIT
"$likeness" predict "$people" "$folder" "$folder" --json "$@" >"$pipe" &
process=$!
peak() { awk '/^VmHWM/ { print $2 }' "/proc/$process/status" 2>/dev/null; }
photos=0 first=0 last=0
while read -r _; do
  photos=$((photos + 1))
  if [ $((photos % 500)) -eq 0 ]; then
    now=$(peak)
    last=${now:-$last}
    [ "$photos" -eq 1000 ] && first=$last
    echo "$photos photos: peak $((last / 1024)) MB" >&2
  fi
done <"$pipe"
wait "$process" || { echo "memory: predict failed" >&2; exit 1; }
[ "$first" -gt 0 ] || { echo "memory: fewer than 1,000 photos" >&2; exit 1; }
awk -v f="$first" -v l="$last" -v n="$photos" \
  'BEGIN { printf "%d photos: peak %.0f MB, after the first 1,000 %.0f MB: %.3f times\n", n, l/1024, f/1024, l/f }'
