#!/bin/bash
# A server of PostgreSQL with its settings as they come (fsync on), bench/postgres_bench.cpp on it, and beside it what
# the server does with the same rows bare: a commit for each.
#   bench/postgres.sh PROGRAM SERVER [FACES [space|plane [CHANGES]]]
# PROGRAM: build/release/.../postgres_bench; SERVER: a folder with bin/initdb
# As root the server runs as the user postgres, for it refuses root; SERVER must be readable for it. A million faces take
# 10 GB of the temporary folder with pgvector, 15 GB without.
set -eu
program=$1 server=$2
shift 2
place=$(mktemp -d)
port=$((20000 + RANDOM % 20000))
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown postgres "$place"
cd /
as "$server/bin/initdb" -D "$place/data" -U postgres --auth=trust --encoding=UTF8 --locale=C >/dev/null
as "$server/bin/pg_ctl" -D "$place/data" -l "$place/log" -w start -o \
  "-k $place -p $port -c listen_addresses=127.0.0.1 -c shared_buffers=1GB -c max_wal_size=2GB" >/dev/null
trap 'as "$server/bin/pg_ctl" -D "$place/data" -m fast stop >/dev/null; rm -rf "$place"' EXIT
uri=postgresql://postgres@127.0.0.1:$port/postgres
sql() { "$server/bin/psql" -qAt -v ON_ERROR_STOP=1 -d "$uri" "$@"; }
[ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")" = 0 ] || sql -c 'CREATE EXTENSION vector'
"$program" "$uri?gallery=bench" "$place/bench.gallery" "$@"
rm -f "$place"/bench.gallery*

cat >"$place/commit.sql" <<'SQL'
\set face random(1, 500)
BEGIN;
INSERT INTO bare.face (person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, size_px, sharpness, brightness, yaw, score, added_ms) SELECT person_id, photo, sha256(random()::text::bytea), box_left, box_top, box_right, box_bottom, landmarks, size_px, sharpness, brightness, yaw, score, added_ms FROM likeness_bench.face WHERE id = :face;
INSERT INTO bare.face_embedding SELECT -nextval('bare.commits'), embedding FROM likeness_bench.face_embedding WHERE face_id = :face;
INSERT INTO bare.change (version, face_id, person_id) VALUES (1, 1, 1);
COMMIT;
SQL
sql -c 'CREATE SEQUENCE bare.commits' -c "SELECT setval(pg_get_serial_sequence('bare.face', 'id'), 100000000)" \
  -c "SELECT setval(pg_get_serial_sequence('bare.change', 'id'), 100000000)" >/dev/null
"$server/bin/pgbench" -n -M prepared -f "$place/commit.sql" -t 500 -d "$uri" 2>/dev/null | grep '^tps' |
  sed 's/^tps = /bare commits of the same rows, one by one, a second: /; s/ (.*//'
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA bare CASCADE' -c 'DROP SCHEMA bare_keys CASCADE'
sql -c 'SET search_path = likeness_bench' -c "SELECT 'embeddings are '|| format_type(atttypid, NULL) || ', bytes a face with all indexes: ' || (pg_total_relation_size('face') + pg_total_relation_size('face_embedding')) / (SELECT count(*) FROM face) FROM pg_attribute WHERE attrelid = 'face_embedding'::regclass AND attname = 'embedding'"

# What a removal leaves behind, and what it costs to be rid of it.
for how in 'VACUUM (TRUNCATE off)' 'VACUUM FULL'; do
  sql -c 'SET search_path = likeness_bench' -c 'DELETE FROM person WHERE id = (SELECT min(id) FROM person)'
  begin=$(date +%s.%N)
  for table in person face face_embedding; do sql -c "SET search_path = likeness_bench" -c "$how $table"; done
  echo "$how of the tables after a removal: $(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }') s"
done
