"""Starts a Milvus, imports a file of `likeness gallery export --to milvus`, and asks for each row's three nearest.

import_into_milvus.py FILE FOLDER DIMENSION     within a network of its own: the server listens everywhere

The last line of the output has a list of [id, score, person] for each row.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility


def until(work, seconds=120):
    """What `work` gives when it no longer raises or gives None."""
    end = time.time() + seconds
    while True:
        try:
            if (result := work()) is not None:
                return result
        except Exception:
            if time.time() > end:
                raise
        assert time.time() < end, "too slow"
        time.sleep(1)


def connected():
    connections.connect(host="127.0.0.1", port="19530", timeout=5)
    return utility.get_server_version()


def imported(task):
    state = utility.get_bulk_insert_state(task)
    assert "Failed" not in state.state_name, state
    return state if state.state_name == "Completed" else None


def main():
    file, folder, dimension = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    rows = json.loads(pathlib.Path(file).read_text())["rows"]
    # Starved of processors for its usual 30 s it gives up for good.
    command = [pathlib.Path(sys.executable).parent / "milvus-server", "--data", folder, "--extra-config", "common.session.ttl=600"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        until(connected)
        fields = [FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("person_id", DataType.INT64),
                  FieldSchema("person", DataType.VARCHAR, max_length=1000), FieldSchema("photo", DataType.VARCHAR, max_length=4000),
                  FieldSchema("embedding", DataType.FLOAT_VECTOR, dim=dimension)]  # fmt: skip
        faces = until(lambda: Collection("faces", CollectionSchema(fields)))
        task = utility.do_bulk_insert("faces", [file])
        until(lambda: imported(task))
        faces.create_index("embedding", {"index_type": "FLAT", "metric_type": "IP", "params": {}})
        faces.load()

        def asked():
            found = faces.search([row["embedding"] for row in rows], "embedding", {"metric_type": "IP"}, limit=3,
                                 output_fields=["person"], consistency_level="Strong")  # fmt: skip
            return found if all(len(hits) == 3 for hits in found) else None

        print(json.dumps([[[hit.id, hit.distance, hit.entity.get("person")] for hit in hits] for hits in until(asked)]))
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # the server itself is a child of what was started
        server.wait()


if __name__ == "__main__":
    main()
