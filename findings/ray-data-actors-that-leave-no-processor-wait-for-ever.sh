#!/usr/bin/env bash
# Believed: two actors of num_cpus=0.9 on a machine of two processors leave something over, so that the data set's other tasks run, if slowly; where nothing is
#   left Ray Data shares, or says that it cannot.
# True: a task wants a whole processor. The actors hold theirs for the whole job, the 0.2 that is left starts no task, and the job waits: no row, no error, no end.
# Versions: ray 2.60.0.
# Hurts: embedding with an actor for each processor, which is the first thing one tries on a small machine; progress stays at 0.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q 'ray[data]==2.60.0'
"$dir/venv/bin/python" - 2>/dev/null <<'END'
import os
import threading

import ray

print("ray", ray.__version__)
ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)


class Same:
    def __call__(self, batch):
        return batch


def count(cpus):
    rows = ray.data.range(100).map_batches(lambda batch: batch)
    return rows.map_batches(Same, num_cpus=cpus, compute=ray.data.ActorPoolStrategy(size=2)).count()


def within_a_minute(cpus):
    counted = []
    worker = threading.Thread(target=lambda: counted.append(count(cpus)), daemon=True)
    worker.start()
    worker.join(60)
    return counted[0] if counted else None


enough, short = within_a_minute(0.5), within_a_minute(0.9)
print(f"two actors of 0.5 processors: {enough} rows; of 0.9: {short} after a minute")
os._exit(0 if (enough, short) == (100, None) else 1)
END
