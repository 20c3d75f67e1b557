#!/usr/bin/env python3
"""What Python costs over the program: time a photo, import, memory of arrays, two threads.

  python_cost.py PHOTOS [--program build/release/likeness] [--model sface] [--rounds 5]

PHOTOS is a folder of photos. Every answer is checked before it is timed. Needs likeness installed and its models.
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def import_cost(rounds):
    def start(code):
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    plain = statistics.median(start("pass") for _ in range(rounds))
    with_likeness = statistics.median(start("import likeness") for _ in range(rounds))
    print(f"import likeness: {1000 * (with_likeness - plain):.0f} ms (median of {rounds} processes)")


def beside_the_program(files, program, model, rounds):
    """The same files, one thread; what a process costs before its first photo is taken away by a run over one."""
    import likeness

    recognizer = likeness.Recognizer(model, threads=1).load()
    with tempfile.TemporaryDirectory() as folder:
        def run(paths):
            command = [program, "embed", *map(str, paths), "-o", f"{folder}/out.npz", "--threads", "1", "--model", model]
            return seconds(lambda: subprocess.run(command, check=True, capture_output=True))

        run(files[:1])
        theirs = [(run(files) - run(files[:1])) / (len(files) - 1) for _ in range(rounds)]
    results = recognizer.find_many(files, main_face=True)
    assert all(r.error is None for r in results)
    ours = [seconds(lambda: recognizer.find_many(files, main_face=True)) / len(files) for _ in range(rounds)]
    best, beside = min(ours), min(theirs)
    print(f"a photo of {len(files)}, one thread: Python {1000 * best:.2f} ms, program {1000 * beside:.2f} ms, "
          f"difference {1000 * (best - beside):+.2f} ms ({100 * (best / beside - 1):+.1f} %); best of {rounds}")
    return recognizer


def arrays(recognizer, files):
    import numpy as np

    import likeness
    from likeness import _photos

    picture = likeness.read_image(files[0])
    rows, columns = np.arange(480) * picture.shape[0] // 480, np.arange(640) * picture.shape[1] // 640
    one = np.ascontiguousarray(picture[rows][:, columns])
    many = [one.copy() for _ in range(1000)]
    assert all(_photos.photo(a).address == a.ctypes.data for a in many), "an array was copied"
    list(recognizer.stream(many[:50]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = 0
    took = seconds(lambda: [None for r in recognizer.stream(many) if len(r.embeddings)])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = len(recognizer.find(one))
    print(f"1,000 arrays of 640 x 480 ({sum(a.nbytes for a in many) / 1e6:.0f} MB) in {took:.1f} s, {found} faces each: "
          f"addresses are the arrays' own, peak memory {(after - before) / 1024:+.1f} MB over that of the first 50")
    return many


def two_threads(many, model):
    import likeness

    def work(recognizer, pictures):
        for picture in pictures:
            recognizer.find(picture)

    pictures = many[:120]
    one = likeness.Recognizer(model, threads=1).load()
    shared = likeness.Recognizer(model, threads=2).load()
    for recognizer in (one, shared):
        work(recognizer, pictures[:3])
    single = seconds(lambda: work(one, pictures))

    def both():
        threads = [threading.Thread(target=work, args=(shared, pictures[i::2])) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    print(f"two Python threads that share one recogniser: {single / seconds(both):.2f} times one thread")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--program", default="build/release/likeness")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import likeness

    files = likeness.photos_in(options.photos)
    import_cost(4 * options.rounds)
    recognizer = beside_the_program(files, options.program, options.model, options.rounds)
    many = arrays(recognizer, files)
    two_threads(many, options.model)


if __name__ == "__main__":
    main()
