"""Times the FaceNet embedding in several frameworks in turn, one thread, and prints a Markdown table.

All get the same standardised chip; the table is made only where all agree within 1e-4. Called by bench/peers/run.
"""
import argparse
import datetime
import pathlib
import sys

import numpy

from common import add_output_options, CLOCKS, machine, median, table, tell, Timer, versions
from facenet import OnnxRuntime, OpencvDnn, Tensorflow, to_onnx

BATCHES = [1, 8, 32]


def chip_of(path):
    from PIL import Image

    image = Image.open(path).convert("RGB").resize((160, 160), Image.Resampling.BILINEAR)
    return (numpy.asarray(image, numpy.float32) - 127.5) / 128


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("timer")
    parser.add_argument("models")
    parser.add_argument("--one", required=True, help="a photo; its middle need not be a face")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--cache", required=True, help="folder for the converted network")
    add_output_options(parser)
    args, _ = parser.parse_known_args()

    graph = str(pathlib.Path(args.models) / "20180408-102900" / "graph_final.pb")
    chip = chip_of(args.one)
    chip_file = pathlib.Path(args.cache) / "chip.png"
    from PIL import Image

    Image.fromarray((chip * 128 + 127.5).round().astype(numpy.uint8)).save(chip_file)
    ours = Timer(args.timer, args.models, args.clock)
    peers = []
    for make in (lambda: Tensorflow(graph, 1), lambda: OpencvDnn(graph, 1),
                 lambda: OnnxRuntime(to_onnx(graph, args.cache), 1)):
        try:
            peer = make()
            peer.embed(chip[None])
            peers.append(peer)
        except Exception as error:  # Whatever a peer throws: it is left out, and told.
            print(f"peers: left out: {str(error).splitlines()[0][:200]}", file=sys.stderr)

    clock = CLOCKS[args.clock]
    times = {}
    for turn in range(args.rounds + 1):  # The first turn warms up and checks.
        for batch in BATCHES:
            milliseconds, values = ours.ask(f"embed {batch} {chip_file}")
            times.setdefault((batch, "likeness"), []).append(milliseconds)
            expected = numpy.asarray([float(v) for v in values], numpy.float32)
            faces = numpy.repeat(chip[None], batch, axis=0)
            for peer in peers:
                start = clock()
                result = peer.embed(faces)
                times.setdefault((batch, peer.name), []).append((clock() - start) * 1e3)
                if numpy.abs(result[-1] - expected).max() > 1e-4:
                    sys.exit(f"{peer.name} disagrees by {numpy.abs(result[-1] - expected).max():.2g}")
        if turn == 0:
            times = {}
    names = [p.name for p in peers]
    rows = []
    for batch in BATCHES:
        own = median(times[batch, "likeness"])
        rows.append([batch, *(f"**{median(times[batch, n]) / own:.2f}**" for n in names),
                     *(f"{median(times[batch, n]) / batch:.1f}" for n in ("likeness", *names))])
    head = ["batch", *(f"times faster than {n}" for n in names), *(f"{n}, ms a face" for n in ("likeness", *names))]
    tell([
        f"Embedding (20180408-102900, f32), one thread, medians of {args.rounds} rounds in which all take turns; {args.clock} time.",
        "",
        *table(head, rows),
        "",
        f"{datetime.date.today()}; {machine()}; "
        + versions("tensorflow-cpu", "opencv-python-headless", "onnxruntime", "tf2onnx", "numpy") + ".",
    ], args)


if __name__ == "__main__":
    main()
