"""The whole tutorial, likeness and the Python stack in turn: process start to report, peak memory, first answer.

Called by bench/peers/run. Every round starts every program once; the tables hold medians. Each run must name every
test face rightly.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from common import add_output_options, machine, median, table, tell, versions


def measured(command, threads=None):
    """Seconds on the wall and on the CPU, peak bytes and standard output of a process and its children."""
    environment = dict(os.environ)
    if threads:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            environment[name] = str(threads)
        environment["TF_NUM_INTEROP_THREADS"] = "1"
        environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{command} failed with {process.returncode}: {errors.read().decode()[-2000:]}")
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, out.read().decode()


def last_json(text):
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def supports_bf16():
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("likeness", help="the program")
    parser.add_argument("models")
    parser.add_argument("--celebrities", required=True, help="a folder with train/ and val/")
    parser.add_argument("--photo", help="for the first answer; default: the first of val/")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    add_output_options(parser)
    args, _ = parser.parse_known_args()

    stack = [sys.executable, str(pathlib.Path(__file__).with_name("tutorial_stack.py"))]
    graph = str(pathlib.Path(args.models) / "20180408-102900" / "graph_final.pb")
    photo = args.photo or str(sorted(pathlib.Path(args.celebrities, "val").glob("*/*"))[0])
    precisions = ["f32", "bf16"] if supports_bf16() else ["f32"]
    runs, firsts, stages = {}, {}, None
    with tempfile.TemporaryDirectory() as folder:
        people = {p: f"{folder}/{p}/people.npz" for p in precisions}
        for turn in range(args.rounds + 1):  # The first turn warms the disk's cache, and ours, and is not counted.
            for threads in sorted({1, args.threads}):
                for precision in precisions:
                    result = measured([args.likeness, "run", args.celebrities, "--models", args.models, "--profile",
                                       "margin", "--threads", str(threads), "--precision", precision, "--out",
                                       f"{folder}/{precision}", "--json"])
                    report = last_json(result[3])
                    if report["val"]["correct"] != report["val"]["total"]:
                        sys.exit(f"likeness names {report['val']} rightly")
                    if turn:
                        runs.setdefault(("likeness", precision, threads), []).append(
                            (*result[:3], report["seconds"]["photos"]))
            for precision in precisions:
                result = measured([args.likeness, "predict", people[precision], photo, "--models", args.models,
                                   "--profile", "margin", "--threads", str(args.threads), "--precision", precision,
                                   "--json"])
                if turn:
                    firsts.setdefault(("likeness", precision), []).append(result[:3])
            result = measured([*stack, "run", args.celebrities, graph, f"{folder}/people.pickle"], args.threads)
            report = last_json(result[3])
            if report["val"][0] != report["val"][1]:
                sys.exit(f"the Python stack names {report['val']} rightly")
            if turn:
                runs.setdefault(("Python", "f32", args.threads), []).append((*result[:3], 0))
                stages = stages or {}
                for key in ("load", "detect", "embed", "classify"):
                    stages.setdefault(key, []).append(report[key])
            result = measured([*stack, "predict", f"{folder}/people.pickle", graph, photo], args.threads)
            if turn:
                firsts.setdefault(("Python", "f32"), []).append(result[:3])

    def medians(values):
        return [median(column) for column in zip(*values)]

    python = medians(runs["Python", "f32", args.threads])
    rows = []
    for (who, precision, threads), values in runs.items():
        wall, busy, memory, _ = medians(values)
        ratio = "" if who == "Python" else f"**{python[0] / wall:.1f}**"
        rows.append([f"{who}, {precision}, {threads} thread{'s' if threads > 1 else ''}", ratio,
                     "" if who == "Python" else f"{python[1] / busy:.1f}", f"{wall:.2f}", f"{busy:.2f}",
                     f"{memory / 1e6:.0f}", "" if who == "Python" else f"{memory / python[2]:.2f}"])
    first_python = medians(firsts["Python", "f32"])
    first_rows = []
    for (who, precision), values in firsts.items():
        wall, busy, memory = medians(values)
        first_rows.append([f"{who}, {precision}", "" if who == "Python" else f"**{first_python[0] / wall:.1f}**",
                           "" if who == "Python" else f"{first_python[1] / busy:.1f}", f"{wall:.2f}", f"{busy:.2f}",
                           f"{memory / 1e6:.0f}", "" if who == "Python" else f"{memory / first_python[2]:.2f}"])
    columns = ["times faster", "times less CPU", "s", "CPU s", "MB at the peak", "share of Python's memory"]
    lines = [
        f"The whole tutorial, process start to report, medians of {args.rounds} rounds in which all take turns.",
        "",
        *table(["program", *columns], rows),
        "",
        "The Python stack's stages, s: " + ", ".join(f"{k} {median(v):.1f}" for k, v in stages.items()) + ".",
    ]
    if args.threads > 1:
        for precision in precisions:
            one, many = (medians(runs["likeness", precision, t])[3] for t in (1, args.threads))
            lines.append(f"Photos per second in {precision}, {args.threads} threads over 1 thread: **{one / many:.2f}** "
                         f"(photos to embeddings with loading: {one:.2f} s and {many:.2f} s).")
    tell([
        *lines,
        "",
        f"`predict` from a cold process, one photo, {args.threads} threads:",
        "",
        *table(["program", *columns], first_rows),
        "",
        f"{datetime.date.today()}; {machine()}; "
        + versions("mtcnn", "tensorflow-cpu", "scikit-learn", "numpy", "pillow") + ".",
    ], args)


if __name__ == "__main__":
    main()
