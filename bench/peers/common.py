"""What the comparisons of bench/peers share: clocks, our programs as processes, medians, versions."""
import importlib.metadata
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


def tell(lines, out):
    print("\n".join(lines), flush=True)
    if out:
        with open(out, "a") as file:
            file.write("\n".join(lines) + "\n\n")
