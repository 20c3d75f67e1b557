#!/usr/bin/env python3
"""Photos to names: `gallery add` of DATA/train into a new gallery and `gallery search` of DATA/val, a row a model.

  bench/photos_to_names.py PROGRAM DATA MODELS [--rounds 5] [--rows 20180408-102900:f32 sface:f32 sface:int8]

Time is of both commands with their starts, two threads, the rows in turns, the median; memory is the peak of `gallery search`.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

import processes


def run(row, command):
    """What it took. Photos without a face are told by exit code 1 and a line; the others are done."""
    with tempfile.TemporaryFile() as errors:
        ran = processes.run(command, stdout=subprocess.DEVNULL, stderr=errors)
        if ran.code not in (0, 1):
            errors.seek(0)
            sys.exit(f"{row}: {errors.read().decode(errors='replace').strip() or f'ended with {ran.code}'}")
    return ran


def once(program, data, models, row, folder):
    """Seconds of both commands, and the peak memory of the second."""
    model, precision = row.split(":")
    gallery = folder / "people.gallery"
    for left in folder.iterdir():
        left.unlink()
    usual = ["--gallery", gallery, "--models", models, "--threads", "2", "--precision", precision]
    added = run(row, [program, "gallery", "add", f"{data}/train", "--model", model, *usual])
    searched = run(row, [program, "gallery", "search", f"{data}/val", *usual])
    return added.seconds + searched.seconds, searched.peak_mb


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
