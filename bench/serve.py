#!/usr/bin/env python3
"""The service under load, beside `likeness embed`, the library's own call, and a Python service of the tutorial's stack.

  bench/serve.py DATA MODELS [--model sface] [--build build/release] [--tools build/dev/parts/bench] [--turns 9] [--rounds 3] [--python PYTHON]

The service, `embed` and the library's call all compute --model. DATA holds train/ and val/ of PERSON/photos. --python names an interpreter with the tutorial's stack, FastAPI and
uvicorn (bench/peers/requirements.txt, fastapi, uvicorn, python-multipart); without it that row is left out.
"""
import argparse
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def resident_mb(pid):
    """Of a process and its children."""
    total = 0
    for line in subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]:
        number, parent, kib = map(int, line.split())
        if pid in (number, parent):
            total += kib
    return total / 1024


def seconds_of(pid):
    """Processor seconds of a process so far."""
    user, system = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def seconds_of_all():
    """Processor seconds of the machine so far, and of its host where it waited for it."""
    user, nice, system, _, _, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def load(tools, port, path, clients, requests, rate, photos, server=None):
    """With a `server`'s process id it also says what share of the processors others had at that time."""
    begin, machine, own = time.perf_counter(), seconds_of_all(), seconds_of(server) if server else 0
    children = os.times()
    out = subprocess.run([tools / "serve_load", str(port), path, str(clients), str(requests), str(rate), *photos],
                         capture_output=True, text=True, check=False).stdout
    answer = json.loads(out)
    if server:
        after = os.times()
        ours = seconds_of(server) - own + sum(after[:4]) - sum(children[:4])
        answer["others"] = max(0, seconds_of_all() - machine - ours) / ((time.perf_counter() - begin) * os.cpu_count())
    return answer


def start_ours(build, models, gallery, folder):
    log = folder / "server.log"
    begin = time.perf_counter()
    server = subprocess.Popen([build / "likeness", "serve", "--gallery", gallery, "--models", models, "--port", "0",
                               "--threads", "2", "--quiet", "--queue", "1000"], stderr=open(log, "w"))
    while True:
        found = re.search(r"listening on http://[^:]+:(\d+),", log.read_text())
        if found:
            break
        time.sleep(0.005)
    port = int(found.group(1))
    urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health/ready").read()
    return server, port, time.perf_counter() - begin


def start_theirs(python, models, data, folder):
    graph = next(pathlib.Path(models).glob("20180408-102900/*.pb"))
    environment = {**os.environ, "GRAPH": str(graph), "PEOPLE": str(folder / "people.pickle"), "TF_CPP_MIN_LOG_LEVEL": "3",
                   "TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    subprocess.run([python, "tutorial_stack.py", "run", data, str(graph), environment["PEOPLE"]], cwd=HERE / "peers",
                   env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.perf_counter()
    server = subprocess.Popen([python, "-m", "uvicorn", "service:app", "--port", str(port), "--log-level", "error"],
                              cwd=HERE / "peers", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json").read()
            return server, port, time.perf_counter() - begin
        except OSError:
            time.sleep(0.1)


def embed_rate(build, args, photos, folder):
    """Photos a second of `likeness embed` with two threads, its start included."""
    begin = time.perf_counter()
    subprocess.run([build / "likeness", "embed", *photos, "-o", folder / "e.npz", "--threads", "2", "--models", args.models,
                    "--model", args.model],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return len(photos) / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("models")
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--tools", default="build/dev/parts/bench", type=pathlib.Path)
    parser.add_argument("--model", default="sface")
    parser.add_argument("--turns", type=int, default=9, help="of 8 clients and embed")
    parser.add_argument("--rounds", type=int, default=3, help="at seven tenths of full load")
    parser.add_argument("--python")
    args = parser.parse_args()
    args.data, args.models = os.path.abspath(args.data), os.path.abspath(args.models)
    build, tools = args.build.resolve(), args.tools.resolve()
    photos = sorted(str(photo) for photo in pathlib.Path(args.data).glob("*/*/*.jpg"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        gallery = folder / "people.gallery"
        subprocess.run([build / "likeness", "gallery", "add", f"{args.data}/train", "--gallery", gallery, "--models", args.models,
                        "--model", args.model],
                       check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server, port, ready = start_ours(build, args.models, gallery, folder)
        try:
            load(tools, port, "/v1/search", 8, len(photos), 0, photos)  # warm
            # The processors' speed drifts by a fifth within seconds: each load is compared with the runs of `embed` before and after it.
            embed, full, wide = [embed_rate(build, args, photos, folder)], [], []
            for _ in range(args.turns):
                full.append(load(tools, port, "/v1/search", 8, 4 * len(photos), 0, photos, server.pid))
                embed.append(embed_rate(build, args, photos, folder))
            shares = [one["per_second"] * (1 / before + 1 / after) / 2 for one, before, after in zip(full, embed, embed[1:])]
            rate = statistics.median(one["per_second"] for one in full)
            for _ in range(args.rounds):
                wide.append(load(tools, port, "/v1/search", 32, 4 * len(photos), 0.7 * rate, photos, server.pid))
            single = load(tools, port, "/v1/search", 1, 2 * len(photos), 0, photos)
            call = json.loads(subprocess.run([tools / "serve_call", args.models, args.model, gallery, "2", *photos], capture_output=True,
                                             text=True, check=True).stdout)
            memory = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait()
        print(f"photos                          {len(photos)}")
        print(f"start to the first answer       {ready:.2f} s")
        print(f"likeness embed, two threads     {statistics.median(embed):.1f} photos/s of {[round(e, 1) for e in embed]}")
        print(f"8 clients, /v1/search           {rate:.1f} photos/s of {[round(one['per_second'], 1) for one in full]}, others had at most "
              f"{max(one['others'] for one in full):.0%} of the processors")
        print(f"of embed's before and after     {statistics.median(shares):.2f} of {[round(share, 2) for share in shares]}")
        print(f"at seven tenths of that         " + "; ".join(f"p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms, ratio {one['p99_ms'] / one['p50_ms']:.2f} "
                                                          f"(others had {one['others']:.0%} of the processors)" for one in wide))
        print(f"one client                      p50 {single['p50_ms']} ms")
        print(f"in one process, in turns        library's call by a thread that waited p50 {call['call_p50_ms']} ms, POST {call['post_p50_ms']} ms")
        print("more than that call, ms         " + ", ".join(
            f"{name} {call[step + '_p50_ms']} (quarters {call[step + '_p25_ms']}, {call[step + '_p75_ms']})"
            for step, name in (("service", "the service without HTTP"), ("http", "POST"))))
        print(f"a thread that waited            {call['thread_p50_ms']} ms more than one that did not ({call['thread_p25_ms']}, {call['thread_p75_ms']})")
        print(f"memory                          {memory:.0f} MB")
        if not args.python:
            return
        server, port, ready = start_theirs(args.python, args.models, args.data, folder)
        try:
            load(tools, port, "/search", 8, 16, 0, photos)
            theirs = load(tools, port, "/search", 8, len(photos), 0, photos)
            theirs_memory = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait()
        print(f"FastAPI, mtcnn, TensorFlow      {theirs['per_second']} photos/s, {theirs['failed']} failed, first answer after {ready:.1f} s, "
              f"{theirs_memory:.0f} MB: ours {rate / theirs['per_second']:.1f} times its photos, {memory / theirs_memory:.2f} of its memory")


if __name__ == "__main__":
    sys.exit(main())
