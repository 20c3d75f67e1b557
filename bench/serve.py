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

import processes

HERE = pathlib.Path(__file__).resolve().parent


def resident_mb(pid):
    """Of a process and its children."""
    total = 0
    for line in subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]:
        number, parent, kib = map(int, line.split())
        if pid in (number, parent):
            total += kib
    return total / 1024


def seconds_of_all():
    """Processor seconds of the machine so far, and of its host where it waited for it."""
    user, nice, system, _, _, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def seconds_of_ours(server):
    """Processor seconds so far of this process, of what it has started and waited for, and of the server's."""
    return sum(os.times()[:4]) + processes.processor_seconds(server)[0]


def beside_others(server, work, *given):
    """What the work returns, and what share of the processors others had at that time. `server`: its process id."""
    begin, machine, own = time.perf_counter(), seconds_of_all(), seconds_of_ours(server)
    answer = work(*given)
    others = seconds_of_all() - machine - (seconds_of_ours(server) - own)
    return answer, max(0, others) / ((time.perf_counter() - begin) * os.cpu_count())


def others_had(rounds):
    return f"(others had {', '.join(f'{share:.0%}' for _, share in rounds)} of the processors)"


def load(tools, port, path, clients, requests, rate, photos):
    out = subprocess.run([tools / "serve_load", str(port), path, str(clients), str(requests), str(rate), *photos],
                         capture_output=True, text=True, check=False).stdout
    return json.loads(out)


def embed_all(build, models, model, photos, folder):
    """Photos a second."""
    begin = time.perf_counter()
    subprocess.run([build / "likeness", "embed", *photos, "-o", folder / "e.npz", "--threads", "2", "--models", models, "--model", model],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return len(photos) / (time.perf_counter() - begin)


def call_beside(tools, models, model, gallery, photos):
    """The library's call, and a request, in one process."""
    return json.loads(subprocess.run([tools / "serve_call", models, model, gallery, "2", *photos], capture_output=True, text=True,
                                     check=True).stdout)


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
            def embeds():
                return beside_others(server.pid, embed_all, build, args.models, args.model, photos, folder)
            embed, full = [embeds()], []
            for _ in range(args.turns):
                full.append(beside_others(server.pid, load, tools, port, "/v1/search", 8, 4 * len(photos), 0, photos))
                embed.append(embeds())
            shares = [one["per_second"] * (1 / before + 1 / after) / 2 for (one, _), (before, _), (after, _) in zip(full, embed, embed[1:])]
            rate = statistics.median(one["per_second"] for one, _ in full)
            wide = [beside_others(server.pid, load, tools, port, "/v1/search", 32, 4 * len(photos), 0.7 * rate, photos)
                    for _ in range(args.rounds)]
            single = [beside_others(server.pid, load, tools, port, "/v1/search", 1, 2 * len(photos), 0, photos)]
            calls = [beside_others(server.pid, call_beside, tools, args.models, args.model, gallery, photos)]
            memory = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait()
        print(f"photos                          {len(photos)}")
        print(f"start to the first answer       {ready:.2f} s")
        embedded = statistics.median(one for one, _ in embed)
        print(f"likeness embed, two threads     {embedded:.1f} photos/s of {[round(one, 1) for one, _ in embed]} {others_had(embed)}")
        print(f"8 clients, /v1/search           {rate:.1f} photos/s of {[round(one['per_second'], 1) for one, _ in full]} {others_had(full)}")
        print(f"of embed's before and after     {statistics.median(shares):.2f} of {[round(share, 2) for share in shares]}")
        print(f"at seven tenths of that         " + "; ".join(
            f"p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms, ratio {one['p99_ms'] / one['p50_ms']:.2f}" for one, _ in wide), others_had(wide))
        print(f"one client                      p50 {single[0][0]['p50_ms']} ms {others_had(single)}")
        call = calls[0][0]
        print(f"in one process, in turns        library's call by a thread that waited p50 {call['call_p50_ms']} ms, POST {call['post_p50_ms']} ms")
        print("more than that call, ms         " + ", ".join(
            f"{name} {call[step + '_p50_ms']} (quarters {call[step + '_p25_ms']}, {call[step + '_p75_ms']})"
            for step, name in (("service", "the service without HTTP"), ("http", "POST"))), others_had(calls))
        print(f"a thread that waited            {call['thread_p50_ms']} ms more than one that did not ({call['thread_p25_ms']}, {call['thread_p75_ms']})")
        print(f"memory                          {memory:.0f} MB")
        if not args.python:
            return
        server, port, ready = start_theirs(args.python, args.models, args.data, folder)
        try:
            load(tools, port, "/search", 8, 16, 0, photos)
            answers = [beside_others(server.pid, load, tools, port, "/search", 8, len(photos), 0, photos)]
            theirs_memory = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait()
        theirs = answers[0][0]
        print(f"FastAPI, mtcnn, TensorFlow      {theirs['per_second']} photos/s, {theirs['failed']} failed, first answer after {ready:.1f} s, "
              f"{theirs_memory:.0f} MB: ours {rate / theirs['per_second']:.1f} times its photos, {memory / theirs_memory:.2f} of its memory {others_had(answers)}")


if __name__ == "__main__":
    sys.exit(main())
