#!/bin/sh
# Other face servers' own clients, unchanged, against `likeness serve --compat`: enrol, list, recognise, verify, rename,
# merge by renaming, remove; no face, two faces, a wrong key; and what was removed is in no file. With the real model and
# the sample photos of scripts/setup.
#   tests/compat/run.sh LIKENESS MODELS SAMPLES FOLDER CACHE
set -u
program=$1 models=$2 samples=$3 folder=$4 cache=$5
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$folder" && mkdir -p "$folder/gallery" || exit 1
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null' EXIT
fail() { echo "compat: $*"; [ ! -f "$folder/server.log" ] || tail -n 15 "$folder/server.log"; exit 1; }

# environment NAME PACKAGE...: made anew where it was not finished.
environment() {
  venv="$cache/compat-$1"
  shift
  [ -f "$venv/finished" ] && return
  rm -rf "$venv"
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" && touch "$venv/finished"; } \
    >"$folder/pip.log" 2>&1 || { cat "$folder/pip.log"; fail "PyPI did not give $*"; }
}
# The first SDK cannot be imported with a newer urllib3; deepstack-python imports Pillow and does not say so.
environment old compreface-sdk==0.6.0 'urllib3<2' deepstack-python==0.8 codeproject-ai-api==0.1 pillow
environment new compreface-sdk-python==1.0.6 boto3 httpx

# serve OPTION...: a server on a port of its own; sets $server and $port.
serve() {
  rm -f "$folder/server.log"
  "$program" serve --models "$models" --port 0 --threads 2 --compat compreface,deepstack,immich,nextcloud,rekognition \
    "$@" 2>"$folder/server.log" &
  server=$!
  port=""
  for _ in $(seq 300); do
    port=$(sed -nE 's|.*listening on http://[^:]+:([0-9]+),.*|\1|p' "$folder/server.log")
    [ -n "$port" ] && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  fail "the server did not start"
}
stop() { kill "$server" && wait "$server"; server=""; }

key=$("$program" key add --keys "$folder/keys.json" --name test --right administer) || fail "no key"
other=$("$program" key add --keys "$folder/keys.json" --name search --right search) || fail "no key"
export LIKENESS_KEY="$key" SEARCH_KEY="$other" SAMPLES="$samples" WORK="$folder" HOME="$folder"

serve --gallery "people=$folder/gallery/people.gallery" --keys "$folder/keys.json"
PORT=$port "$cache/compat-old/bin/python" -W ignore "$here/old_clients.py" keyed || fail "compreface-sdk 0.6.0 or deepstack-python 0.8"
PORT=$port "$cache/compat-new/bin/python" -W ignore "$here/new_clients.py" || fail "compreface-sdk-python 1.0.6, boto3 or Immich's requests"
if [ -x /usr/bin/aws ]; then PORT=$port sh "$here/awscli.sh" || fail "Debian's awscli"; else fail "awscli is missing: apt-get install awscli"; fi
stop
# CodeProject.AI has no keys.
serve --gallery "people=$folder/gallery/people.gallery"
PORT=$port "$cache/compat-old/bin/python" -W ignore "$here/old_clients.py" keyless || fail "codeproject-ai-api 0.1"
stop
echo "compat: all clients passed"
