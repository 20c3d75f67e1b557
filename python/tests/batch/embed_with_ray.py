"""Embeds a folder with two actors of Ray, as examples/ray_embed.py does; told to, it kills one of them in the middle.

embed_with_ray.py PHOTOS FACES CALLS MODEL kill|leave

CALLS: a folder for a file a batch, named by its process, with its begin, its end and its photos. A line of the
output is {"begin", "end", "killed"}.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time

import ray
import ray_embed  # of examples/, which lies in PYTHONPATH, where the actors look too

from likeness.ray import FaceEmbedder


class ToldEmbedder(FaceEmbedder):
    def __init__(self, calls, **options):
        super().__init__(**options)
        self.calls = pathlib.Path(calls)
        self.count = 0

    def __call__(self, batch):
        begin = time.time()
        faces = super().__call__(batch)
        self.count += 1
        (self.calls / f"{os.getpid()}-{self.count}").write_text(json.dumps([begin, time.time(), batch.num_rows]))
        return faces


def kill_one(calls, killed):
    """Kills an actor when a third of the batches is done and both have done some."""
    while len(list(calls.iterdir())) < 26 or len({file.name.split("-")[0] for file in calls.iterdir()}) < 2:
        time.sleep(0.05)
    killed.append(int(sorted(calls.iterdir())[0].name.split("-")[0]))
    os.kill(killed[0], signal.SIGKILL)


def main():
    photos, faces, calls, model, what = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]), *sys.argv[4:]
    # Ray would look for this machine's address by a way out, and its dashboard costs processors.
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    ray_embed.FaceEmbedder = ToldEmbedder
    killed: list[int] = []
    if what == "kill":
        threading.Thread(target=kill_one, args=(calls, killed), daemon=True).start()
    begin = time.time()
    ray_embed.faces_of(photos, 2, {"model": model, "main_face": True, "calls": str(calls)}).write_parquet(faces)
    print(json.dumps({"begin": begin, "end": time.time(), "killed": killed}))


if __name__ == "__main__":
    main()
