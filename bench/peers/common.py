"""What the comparisons of bench/peers share: clocks, our programs as processes, medians, versions."""
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

# Wall time, or the process's CPU time where other work shares the machine: alike for one thread when it is quiet.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Timer:
    """Our peer_timer in a process of its own: one request a line, answered with both times of the work alone."""

    def __init__(self, program, models, clock, precision="f32"):
        self.clock = clock
        self.process = subprocess.Popen(
            [program, models, precision], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        """Milliseconds, and the rest of the answer as text."""
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        wall, cpu, *rest = self.process.stdout.readline().split()
        return float(wall if self.clock == "wall" else cpu), rest


def median(values):
    return statistics.median(values)


def cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def versions(*names):
    found = []
    for name in names:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


def machine():
    return f"{cpu()}, {os.cpu_count()} cores"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def number(cell):
    """What a table's cell says as a number; the text where it is none."""
    try:
        return float(cell.strip("*"))
    except ValueError:
        return cell


def report(lines):
    """The tables among the printed lines as objects: rows by their first cell, and each column's least and most."""
    tables, head = [], None
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            head = None
        elif head is None:
            head = cells
            tables.append({"rows": {}})
        elif set(line) - set("|-"):
            tables[-1]["rows"][cells[0]] = dict(zip(head[1:], map(number, cells[1:])))
    for one in tables:
        columns = {}
        for row in one["rows"].values():
            for column, value in row.items():
                columns.setdefault(column, []).append(value)
        numeric = {c: v for c, v in columns.items() if all(isinstance(x, float) for x in v)}
        one["least"] = {column: min(values) for column, values in numeric.items()}
        one["most"] = {column: max(values) for column, values in numeric.items()}
    return {"tables": tables, "said": [line for line in lines if line and not line.startswith("|")]}


def tell(lines, args):
    """Prints the lines; --out appends them to a file, --json writes what they say as one object."""
    print("\n".join(lines), flush=True)
    if args.out:
        with open(args.out, "a") as file:
            file.write("\n".join(lines) + "\n\n")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(report(lines), indent=1) + "\n")


def add_output_options(parser):
    parser.add_argument("--out", help="also append the tables to this file")
    parser.add_argument("--json", help="also write the tables to this file, as JSON")
