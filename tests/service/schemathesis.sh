#!/bin/sh
# Schemathesis makes requests of the OpenAPI document that the server serves, good ones and bad ones, and holds the
# answers against it: no 5xx, nothing that is not described.
#   tests/service/schemathesis.sh LIKENESS PACKS FOLDER CACHE
set -u
program=$1 packs=$2 folder=$3 cache=$4
here=$(dirname "$0")
version=4.32.5
examples=60
[ -z "${LIKENESS_LONG:-}" ] || examples=400
venv="$cache/schemathesis-$version"
rm -rf "$folder" && mkdir -p "$folder" || exit 1
if [ ! -x "$venv/bin/st" ]; then
  rm -rf "$venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "schemathesis==$version"; } >"$folder/pip.log" 2>&1 ||
    { cat "$folder/pip.log"; exit 1; }
fi

"$program" serve --gallery "$folder/people.gallery" --models "$packs" --model tiny --port 0 --threads 2 --queue 1000 \
  2>"$folder/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
url=""
for _ in $(seq 100); do
  url=$(sed -nE 's/.*listening on ([^,]+),.*/\1/p' "$folder/server.log")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { cat "$folder/server.log"; exit 1; }

# The events never end.
"$venv/bin/st" --config-file "$here/schemathesis.toml" run "$url/v1/openapi.json" --exclude-path /v1/events \
  --max-examples "$examples" --continue-on-failure --no-color --warnings off --seed 1 >"$folder/schemathesis.log" 2>&1
failed=$?
cases=$(sed -nE 's/^ *([0-9]+) generated.*/\1/p' "$folder/schemathesis.log" | tail -n 1)
echo "schemathesis: ${cases:-0} requests; exit code $failed"
if [ "$failed" != 0 ] || [ "${cases:-0}" -lt 2000 ]; then
  cut -c1-300 "$folder/schemathesis.log" | tail -n 150
  exit 1
fi
kill -0 "$server" || { echo "the server is gone"; tail -n 5 "$folder/server.log"; exit 1; }
