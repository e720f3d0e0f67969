"""The three counters. Each runs the server with N and with 2N messages and reports the difference per message,
which removes start-up, connecting and shutdown."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from .lockstep import ServerError, serve_and_count

MAPPING_CALLS = ("mmap", "munmap", "mremap", "brk")


class Unavailable(Exception):
    """A counter that cannot work here; the text is the reason."""


@dataclass(frozen=True)
class Load:
    conns: int
    payload: int
    messages: int


@dataclass
class Row:
    """Costs per message of one server. None is "not measured", and `reasons` says why; it is never 0."""
    label: str
    instructions: float | None = None
    syscalls: float | None = None
    allocations: float | None = None
    mappings: float | None = None
    by_name: dict = field(default_factory=dict)  # syscall -> per message
    reasons: dict = field(default_factory=dict)  # counter -> why it is missing


def measure(label, command, load):
    row = Row(label)
    with tempfile.TemporaryDirectory(prefix="reactorlab-counts-") as scratch:
        for name, probe in (("instructions", _instructions), ("syscalls", _syscalls), ("allocations", _allocations)):
            try:
                probe(row, command, load, Path(scratch))
            except (Unavailable, ServerError) as error:
                row.reasons[name] = str(error)
    return row


def _difference(count, load):
    """count(messages) measured at N and 2N; the difference per message."""
    once, twice = count(load.messages), count(2 * load.messages)
    return (twice - once) / load.messages


def _need(tool):
    if not shutil.which(tool):
        raise Unavailable(f"{tool} is not installed; remedy: install the package {tool}")


def _instructions(row, command, load, scratch):
    """User instructions by callgrind. Threads are serialised under it, so this says nothing about contention."""
    _need("valgrind")

    def count(messages):
        out = scratch / f"callgrind.{messages}"
        # An engine of another language comes to life by exec, which is a child to valgrind.
        serve_and_count(["valgrind", "-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={out}", *command],
                        load.conns, load.payload, messages)
        totals = re.findall(r"^(?:totals|summary): (\d+)", out.read_text() if out.exists() else "", re.MULTILINE)
        if not totals:
            raise Unavailable("callgrind wrote no totals")
        return int(totals[-1])

    row.instructions = _difference(count, load)


def _syscalls(row, command, load, scratch):
    """System calls of all threads by strace; -D keeps the server our own child, so that signals and status are its."""
    _need("strace")

    def count(messages):
        out = scratch / f"strace.{messages}"
        serve_and_count(["strace", "-D", "-f", "-c", "-o", str(out), *command], load.conns, load.payload, messages)
        return _strace_table(out)

    once, twice = count(load.messages), count(2 * load.messages)
    row.by_name = {name: calls for name in twice
                   if (calls := (twice[name] - once.get(name, 0)) / load.messages) and name != "total"}
    row.syscalls = (twice["total"] - once["total"]) / load.messages
    row.mappings = sum(row.by_name.get(name, 0.0) for name in MAPPING_CALLS)


def _strace_table(path, patience=10.0):
    """{syscall: calls} with "total"; the tracer outlives the server by a moment, so the file may come late."""
    deadline = time.monotonic() + patience
    while True:
        text = path.read_text() if path.exists() else ""
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$", text, re.MULTILINE)
        table = {name: int(calls) for calls, name in rows}
        if "total" in table:
            return table
        if time.monotonic() > deadline:
            raise Unavailable("strace wrote no summary; is ptrace allowed here?")
        time.sleep(0.02)


def _allocations(row, command, load, scratch):
    """Calls of the malloc family by a preloaded counter."""
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise Unavailable("no C compiler for the preloaded counter; remedy: run scripts/setup bench")
    library, page = scratch / "alloc_counter.so", scratch / "count"
    built = subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", str(library),
                            str(Path(__file__).with_name("alloc_counter.c"))], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise Unavailable(f"the preloaded counter does not compile: {built.stderr.strip().splitlines()[-1]}")

    def count(messages):
        page.write_bytes(bytes(8))
        serve_and_count(command, load.conns, load.payload, messages,
                        {**os.environ, "LD_PRELOAD": str(library), "REACTORLAB_ALLOC_COUNTER": str(page)})
        calls = int.from_bytes(page.read_bytes(), "little")
        if calls == 0:
            raise Unavailable("the preloaded counter had no effect; is the binary linked statically?")
        return calls

    row.allocations = _difference(count, load)
