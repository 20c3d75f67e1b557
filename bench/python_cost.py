#!/usr/bin/env python3
"""What Python costs over the program: time a photo, import, memory of arrays, two threads.

  python_cost.py PHOTOS [--program build/release/likeness] [--model sface] [--rounds 5] [--only import threads]

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

    pairs = [(start("pass"), start("import likeness")) for _ in range(rounds)]
    plain, with_likeness = zip(*pairs)
    print(f"import likeness: {1000 * (min(with_likeness) - min(plain)):.0f} ms (best of {rounds} processes each), "
          f"{1000 * statistics.median(b - a for a, b in pairs):.0f} ms (median of {rounds} pairs)")


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


def copies(file, count):
    """A photo at 640 x 480, so many times in memory."""
    import numpy as np

    import likeness

    picture = likeness.read_image(file)
    rows, columns = np.arange(480) * picture.shape[0] // 480, np.arange(640) * picture.shape[1] // 640
    one = np.ascontiguousarray(picture[rows][:, columns])
    return [one.copy() for _ in range(count)]


def arrays(recognizer, files):
    from likeness import _photos

    many = copies(files[0], 1000)
    one = many[0]
    assert all(_photos.photo(a).address == a.ctypes.data for a in many), "an array was copied"
    list(recognizer.stream(many[:50]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = 0
    took = seconds(lambda: [None for r in recognizer.stream(many) if len(r.embeddings)])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = len(recognizer.find(one))
    print(f"1,000 arrays of 640 x 480 ({sum(a.nbytes for a in many) / 1e6:.0f} MB) in {took:.1f} s, {found} faces each: "
          f"addresses are the arrays' own, peak memory {(after - before) / 1024:+.1f} MB over that of the first 50")


def two_threads(pictures, model, rounds):
    """In turns, for the machine's speed changes."""
    import likeness

    def work(recognizer, mine):
        for picture in mine:
            assert len(recognizer.find(picture)) == faces

    one, other = (likeness.Recognizer(model, threads=1).load() for _ in range(2))
    shared = likeness.Recognizer(model, threads=2).load()
    faces = len(one.find(pictures[0]))
    for recognizer in (one, other, shared):
        work(recognizer, pictures[:3])

    def both(*recognizers):
        threads = [threading.Thread(target=work, args=(r, pictures[i::2])) for i, r in enumerate(recognizers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    taken = [[seconds(lambda: work(one, pictures)), seconds(lambda: both(shared, shared)), seconds(lambda: both(one, other))]
             for _ in range(rounds)]
    for what, place in [("that share one recogniser", 1), ("with a recogniser each", 2)]:
        print(f"two Python threads {what}: {min(t[0] for t in taken) / min(t[place] for t in taken):.2f} times one thread (best of "
              f"{rounds} each), {statistics.median(t[0] / t[place] for t in taken):.2f} (median of {rounds}); {len(pictures)} pictures")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--program", default="build/release/likeness")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=["import", "photo", "arrays", "threads"],
                        default=["import", "photo", "arrays", "threads"])
    options = parser.parse_args()
    import likeness

    files = likeness.photos_in(options.photos)
    if "import" in options.only:
        import_cost(4 * options.rounds)
    if "photo" in options.only:
        beside_the_program(files, options.program, options.model, options.rounds)
    if "arrays" in options.only:
        arrays(likeness.Recognizer(options.model, threads=1).load(), files)
    if "threads" in options.only:
        two_threads(copies(files[0], 40), options.model, options.rounds)


if __name__ == "__main__":
    main()
