#!/usr/bin/env python3
"""Photos to names: `gallery add` of DATA/train into a new gallery and `gallery search` of DATA/val, a row a model.

  bench/photos_to_names.py PROGRAM DATA MODELS [--rounds 5] [--rows 20180408-102900:f32 sface:f32 sface:int8]

Time is of both commands with their starts, two threads, the rows in turns, the median; memory is the peak of `gallery search`.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def once(program, data, models, row, folder):
    """Seconds, and MiB."""
    model, precision = row.split(":")
    gallery = folder / "people.gallery"
    for left in folder.iterdir():
        left.unlink()
    usual = ["--gallery", gallery, "--models", models, "--threads", "2", "--precision", precision]
    begin = time.perf_counter()
    # Photos without a face are told by exit code 1 and a line; the others are done.
    subprocess.run([program, "gallery", "add", f"{data}/train", "--model", model, *usual], check=False, capture_output=True)
    search = subprocess.Popen([program, "gallery", "search", f"{data}/val", *usual], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with search.stderr:
        said = search.stderr.read().decode()
    _, status, usage = os.wait4(search.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"{row}: {said.strip()}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "data", "models"):
        parser.add_argument(name)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", nargs="+", default=["20180408-102900:f32", "sface:f32", "sface:int8"])
    options = parser.parse_args()
    measured = {row: [] for row in options.rows}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for row in options.rows:
                measured[row].append(once(options.program, options.data, options.models, row, pathlib.Path(folder)))
    seconds = {row: statistics.median(time_ for time_, _ in each) for row, each in measured.items()}
    for row, each in measured.items():
        print(f"{row:24} {seconds[row]:.3f} s, {seconds[options.rows[0]] / seconds[row]:.2f} times the first; "
              f"gallery search {max(memory for _, memory in each):.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
