"""Searching faces by pgvector beside likeness's own indexes: recall, processor time, bytes, time to build.

engines.py SERVER [FACES=100000] [QUERIES=100]     SERVER: a folder with bin/initdb and pgvector, readable for all

Two sets, five faces a person and the sixth as the query, as bench/gallery_bench.cpp makes them: `space` fills 512
dimensions (cosine 0.6), `plane` 50 of them (cosine 0.45), which is what FaceNet's faces are like. recall@1: the nearest
face by float32 came first. Bytes a face are the process's memory for likeness, tables and indexes for pgvector. Processor time is the server process's, in the system's ticks, and this one's for likeness.
Needs psycopg and numpy beside the package: pip install 'psycopg[binary]'. As root the server runs as the user postgres.
"""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import psycopg

import likeness
from processes import processor_seconds

EACH = 6


def faces_of(kind, people, seed=7):
    """float32 (people, 6, 512)."""
    random = np.random.default_rng(seed)
    cosine, effective = (0.6, 512) if kind == "space" else (0.45, 50)

    def unit(values):
        return values / np.linalg.norm(values, axis=-1, keepdims=True)

    people_, own = (random.standard_normal((people, each, effective), np.float32) for each in (1, EACH))
    faces = unit(np.float32(np.sqrt(cosine)) * people_ + np.float32(np.sqrt(1 - cosine)) * own)
    return faces if kind == "space" else unit(faces @ random.standard_normal((effective, 512), np.float32))


def nearest(faces, queries):
    best, place = np.full(len(queries), -2, np.float32), np.zeros(len(queries), int)
    for begin in range(0, len(faces), 50000):
        cosines = queries @ faces[begin : begin + 50000].T
        better = cosines.max(axis=1) > best
        best[better] = cosines.max(axis=1)[better]
        place[better] = begin + cosines.argmax(axis=1)[better]
    return place


def resident():
    """Bytes that this process has in memory, without what it has given back."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def row(engine, found, truth, milliseconds, clock, bytes_a_face, built):
    recall = np.mean(np.asarray(found) == truth)
    print(f"| {engine} | {recall:.3f} | {milliseconds:.2f} | {clock:.2f} | {bytes_a_face:,.0f} | {built} |", flush=True)


def by_likeness(folder, faces, queries, truth):
    contract = json.loads(likeness.Recognizer("20180408-102900").space.to_json())
    del contract["centre"]  # drawn faces have their mean at 0
    space = likeness.EmbeddingSpace.from_json(json.dumps({**contract, "metric": "cosine"}), 512)
    path = folder / "bench.gallery"
    gallery = likeness.Gallery.create(path, space)
    for begin in range(0, len(faces), 2000):
        part = faces[begin : begin + 2000]
        gallery.add_many([f"person {(begin + i) // (EACH - 1)}" for i in range(len(part))], part)
    numbers = {face.id: i for i, face in enumerate(gallery.faces())}
    for index in ("exact", "int8", "sketch"):
        for file in folder.glob("bench.gallery*index*"):
            file.unlink()
        gallery = likeness.Gallery.open(path, index=index)
        memory, begin = resident(), time.process_time()
        gallery.refresh()
        built, size = time.process_time() - begin, resident() - memory
        gallery.nearest(queries[:2], 5)
        begin, clock = time.process_time(), time.perf_counter()
        found = [numbers[gallery.nearest(query[None], 5)[0][0].face] for query in queries]
        used, passed = time.process_time() - begin, time.perf_counter() - clock
        row(f"likeness, {index}", found, truth, 1e3 * used / len(queries), 1e3 * passed / len(queries), size / len(faces), f"{built:.1f}")
        del gallery


def load(connection, faces):
    connection.execute("DROP TABLE IF EXISTS face")
    connection.execute("CREATE TABLE face (id bigint PRIMARY KEY, embedding halfvec(512) NOT NULL)")
    with connection.cursor().copy("COPY face FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
        for begin in range(0, len(faces), 10000):
            halves = faces[begin : begin + 10000].astype(">f2")
            fields = np.dtype([("n", ">i2"), ("l1", ">i4"), ("id", ">i8"), ("l2", ">i4"), ("dim", ">i2"), ("zero", ">i2"), ("e", ">f2", 512)])
            rows = np.zeros(len(halves), fields)
            rows["n"], rows["l1"], rows["l2"], rows["dim"] = 2, 8, 4 + 2 * 512, 512
            rows["id"], rows["e"] = np.arange(begin, begin + len(halves)), halves
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")
    connection.execute("VACUUM ANALYZE face")


def ask(connection, queries):
    pid = connection.info.backend_pid
    texts = ["[" + ",".join(map("{:.6g}".format, query)) + "]" for query in queries]
    sql = "SELECT id FROM face ORDER BY embedding <#> %s::halfvec(512) LIMIT 5"
    connection.execute(sql, (texts[0],), prepare=True).fetchall()
    begin, clock = processor_seconds(pid)[0], time.perf_counter()
    found = [connection.execute(sql, (text,), prepare=True).fetchall()[0][0] for text in texts]
    count = len(queries)
    return found, 1e3 * (processor_seconds(pid)[0] - begin) / count, 1e3 * (time.perf_counter() - clock) / count


def by_pgvector(connection, postmaster, faces, queries, truth):
    load(connection, faces)
    size = connection.execute("SELECT pg_table_size('face') + pg_relation_size('face_pkey')").fetchone()[0]
    few = slice(0, max(10, len(queries) // 5))
    found, used, passed = ask(connection, queries[few])
    row("pgvector, exact (halfvec)", found, truth[few], used, passed, size / len(faces), "-")
    pid = connection.info.backend_pid
    before = processor_seconds(pid)[0] + processor_seconds(postmaster)[1]
    connection.execute("CREATE INDEX hnsw ON face USING hnsw (embedding halfvec_ip_ops)")
    time.sleep(0.5)  # until its helpers have been waited for
    built = processor_seconds(pid)[0] + processor_seconds(postmaster)[1] - before
    size += connection.execute("SELECT pg_relation_size('hnsw')").fetchone()[0]
    for ef in (40, 100, 200, 400):
        connection.execute(f"SET hnsw.ef_search = {ef}")
        found, used, passed = ask(connection, queries)
        row(f"pgvector, HNSW, ef {ef}", found, truth, used, passed, size / len(faces), f"{built:.0f}")


def main():
    server = pathlib.Path(sys.argv[1]) / "bin"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    asked = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)

        def run(*words):
            subprocess.run([*as_user, *map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL)

        run(server / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
        run(server / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "start", "-o",
            f"-k {folder} -c listen_addresses= -c shared_buffers=2GB -c max_wal_size=8GB -c maintenance_work_mem=3GB -c jit=off "
            "-c max_parallel_workers_per_gather=0")  # fmt: skip
        try:
            postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            with psycopg.connect(host=name, user="postgres", dbname="postgres", autocommit=True) as connection:
                connection.execute("CREATE EXTENSION vector")
                for kind in ("space", "plane"):
                    drawn = faces_of(kind, count // (EACH - 1))
                    faces = np.ascontiguousarray(drawn[:, : EACH - 1].reshape(-1, 512))
                    queries = drawn[:: max(1, len(drawn) // asked), EACH - 1][:asked]
                    truth = nearest(faces, queries)
                    print(f"\n{kind}: {len(faces):,} faces, {len(queries)} queries\n")
                    print("| engine | recall@1 | processor ms a query | ms a query | bytes a face | build, processor s |\n|---|---|---|---|---|---|")
                    by_likeness(folder, faces, queries, truth)
                    (folder / "bench.gallery").unlink()
                    by_pgvector(connection, postmaster, faces, queries, truth)
        finally:
            run(server / "pg_ctl", "-D", folder / "data", "-m", "fast", "stop")


if __name__ == "__main__":
    main()
