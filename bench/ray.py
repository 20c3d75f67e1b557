"""Photos a second by two actors of Ray beside the program with two threads, in turns.

ray.py PROGRAM PHOTOS [ROUNDS=3]     PYTHONPATH: the package and examples/; LIKENESS_MODELS; Ray beside this Python

Of Ray what counts begins when both actors have done their first batch: starting Ray and opening models is told apart.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "python" / "tests" / "batch" / "embed_with_ray.py"


def by_program(program, photos, folder):
    begin = time.time()
    made = subprocess.run([program, "embed", photos, "-o", folder / "e.npz", "--model", "sface", "--threads", "2", "--json"],
                          check=True, capture_output=True, text=True)  # fmt: skip
    seconds = time.time() - begin
    told = json.loads(made.stdout.splitlines()[-1])
    return (told["train"] + told["val"]) / seconds


def by_ray(photos, folder):
    """Photos a second once both actors are up, and seconds until then."""
    calls = folder / "calls"
    calls.mkdir()
    ran = subprocess.run([sys.executable, SCRIPT, photos, folder / "faces", calls, "sface", "leave"],
                         check=True, capture_output=True, text=True)  # fmt: skip
    begin = json.loads(next(line for line in ran.stdout.splitlines() if line.startswith('{"begin"')))["begin"]
    done = {file.name: json.loads(file.read_text()) for file in calls.iterdir()}
    up = max(end for name, (_, end, _) in done.items() if name.endswith("-1"))
    last = max(end for _, end, _ in done.values())
    # Of a batch that was under way its later part counts.
    photos_since = sum(count * (end - max(start, up)) / (end - start) for start, end, count in done.values() if end > up)
    return photos_since / (last - up), up - begin


def main():
    program, photos = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    ours, theirs, starts = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            ours.append(by_program(program, photos, pathlib.Path(name)))
            rate, start = by_ray(photos, pathlib.Path(name))
        theirs.append(rate)
        starts.append(start)
        print(f"program {ours[-1]:.1f} photos/s, Ray {theirs[-1]:.1f} after {start:.1f} s, ratio {theirs[-1] / ours[-1]:.3f}", flush=True)
    print(f"median ratio {statistics.median(r / p for r, p in zip(theirs, ours)):.3f}")


if __name__ == "__main__":
    main()
