#!/usr/bin/env bash
# Believed: an embedding that holds a NaN matches nobody: comparisons with NaN are false, and cosine functions return NaN.
# True: DuckDB orders NaN above every number. `array_inner_product(e, probe) > 0.9` is true for it and it is first in
#   `order by ... desc`: every probe gets its name. array_cosine_similarity() of the same vectors is -1, not NaN, and so is
#   that of a zero vector. So the two ways to compare unit vectors part: one says "surely him", the other "surely not".
# Versions: duckdb 1.5.5.
# Hurts: galleries of unit vectors in DuckDB or Parquet with one failed embedding.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" duckdb==1.5.5
PYTHONPATH="$dir/site" python3 - <<'END'
import duckdb

print("duckdb", duckdb.__version__)
db = duckdb.connect()
db.execute("create table face(name text, e float[2])")
db.execute("insert into face values ('Ann', [1, 0]), ('Bob', [0, 1]), ('failed', ['nan'::float, 0]), ('zero', [0, 0])")
for function in ("array_inner_product", "array_cosine_similarity"):
    rows = db.execute(f"""select name, {function}(e, [1, 0]::float[2]) s, s > 0.9 as matches from face
                          order by s desc, name""").fetchall()
    print(function, rows)
    if function == "array_inner_product":
        assert rows[0][0] == "failed" and rows[0][2] is True, "NaN is no longer first"
        assert rows[1][0] == "Ann"
    else:
        assert rows[0][0] == "Ann"
        assert {row[0]: row[1] for row in rows if row[0] in ("failed", "zero")} == {"failed": -1.0, "zero": -1.0}
END
