"""Starts and watches processes, for the scripts beside it."""
import os
import pathlib
import subprocess
import time
from typing import NamedTuple


class Ran(NamedTuple):
    """What a process that has ended took."""

    seconds: float  # on the clock, with its start
    processor: float  # seconds, user's and system's
    peak_mb: float  # resident, of 1,048,576 bytes each
    code: int  # its exit code, negative for a signal


def run(command, **how):
    """Runs a command to its end and returns what it took. `how` goes to subprocess.Popen; no pipes, for nobody reads them."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, **how)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def processor_seconds(pid):
    """Of a process that runs, and of its children that have ended, both so far. In the system's ticks, mostly 0.01 s."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return sum(map(int, fields[11:13])) / tick, sum(map(int, fields[13:15])) / tick
