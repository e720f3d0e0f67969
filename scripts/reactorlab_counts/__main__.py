"""The command line of scripts/counts."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from . import selftest
from .probes import MAPPING_CALLS, Load, measure

ROOT = Path(__file__).resolve().parents[2]
LIMITS = ("instructions", "syscalls", "allocations", "mappings")


def main():
    arguments = _parse()
    if arguments.self_test:
        return selftest.run()
    try:
        servers = _servers(arguments)
        limits = _limits(arguments, servers)
    except ValueError as error:
        print(f"counts: {error}", file=sys.stderr)
        return 2
    load = Load(arguments.conns, arguments.payload, arguments.turns * arguments.conns)
    rows = []
    for label, command in servers.items():
        if sys.stderr.isatty():
            print(f"counting {label} ...", file=sys.stderr)
        rows.append(measure(label, command, load))
    _print(rows, load)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(_document(rows, load, arguments), indent=1) + "\n")
    exceeded = [line for row in rows for line in _exceeded(row, limits)]
    for line in exceeded:
        print(f"counts: {line}", file=sys.stderr)
    return 1 if exceeded else 0


def _parse():
    parser = argparse.ArgumentParser(
        prog="scripts/counts", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Counts what one echoed message costs a server: user instructions (callgrind), system calls (strace),\n"
                    "calls of the malloc family (a preloaded counter) and of mmap/brk. Every figure is the difference of\n"
                    "two runs, N and 2N messages, sent in lockstep over all connections; every echo is compared.",
        epilog="a limit is VALUE for every row or ROW=VALUE for one, e.g. --max-instructions arc_mutex+fine=230;\n"
               "exit status: 0 all counted and within limits, 1 a limit exceeded or not checkable, 2 usage")
    parser.add_argument("--impl", default="all", metavar="LIST", help="comma-separated, or all; arc_mutex+fine is an impl with a locking, thread_local~oneshot one with an ablation; all leaves out asio:shared and engine:smol, as bench does")
    parser.add_argument("--locking", default="", help="only the rows with this locking, and those without a choice")
    parser.add_argument("--backend", default="", help="passed on to the server")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--conns", type=int, default=64)
    parser.add_argument("--payload", type=int, default=64, help="bytes per message")
    parser.add_argument("--turns", type=int, default=100, help="messages per connection in the shorter run (N = turns x conns)")
    parser.add_argument("--bench", default=str(ROOT / "build/release/bench"), metavar="FILE", help="the binary to count")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument("--self-test", action="store_true", help="check the counters against a server of known costs and exit")
    for name in LIMITS:
        parser.add_argument(f"--max-{name}", action="append", default=[], metavar="[ROW=]VALUE")
    arguments = parser.parse_args()
    for name in ("workers", "conns", "payload", "turns"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return arguments


def _servers(arguments):
    """{row label: command}; labels as in `bench run`: the impl, with "+locking" where that isn't its default, "~ablation"."""
    known, in_all = _known_impls(arguments.bench)
    everything = {impl if i == 0 else f"{impl}+{locking}": (impl, locking)
                  for impl, lockings in known.items() for i, locking in enumerate(lockings or [""])}
    asked = [label for label in everything if label.partition("+")[0] in in_all] if arguments.impl == "all" else arguments.impl.split(",")
    servers = {}
    for label in asked:
        base, tilde, ablation = label.partition("~")  # the bench itself knows what can be ablated
        if base not in everything:
            raise ValueError(f"unknown impl {base!r}; known: {', '.join(everything)}")
        impl, locking = everything[base]
        if arguments.locking and locking and locking != arguments.locking:
            continue
        command = [arguments.bench, "serve", f"--impl={impl}{tilde}{ablation}", "--port=0", f"--workers={arguments.workers}"]
        command += [f"--locking={locking}"] if locking else []
        command += [f"--backend={arguments.backend}"] if arguments.backend else []
        servers[label] = command
    if not servers:
        raise ValueError(f"nothing to count: none of {', '.join(asked)} has the locking {arguments.locking!r}")
    return servers


def _known_impls(bench):
    """({impl: its lockings}, those that `all` means) as `bench list --json` says; the engines of other languages too that can be started."""
    try:
        listed = subprocess.run([bench, "list", "--json"], capture_output=True, text=True, timeout=60, check=True).stdout
        known = json.loads(listed)
        engines = [entry for entry in known.get("engines", []) if entry["unavailable"] is None]
        return ({entry["name"]: entry.get("lockings", []) for entry in known["impls"] + engines},
                {entry["name"] for entry in known["impls"] if entry.get("in_all", True)})
    except OSError as error:
        raise ValueError(f"cannot run {bench}: {error.strerror}; remedy: build it with ./bench list") from None
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        raise ValueError(f"`{bench} list --json` is not usable: {error}") from None


def _limits(arguments, servers):
    """{(row label, counter): limit}."""
    limits = {}
    for name in LIMITS:
        for text in getattr(arguments, f"max_{name}"):
            target, _, value = text.rpartition("=")
            rows = [label for label in servers if target in ("", label)]
            if not rows:
                raise ValueError(f"--max-{name} {text}: no row {target!r}; rows: {', '.join(servers)}")
            try:
                limits.update({(label, name): float(value) for label in rows})
            except ValueError:
                raise ValueError(f"--max-{name} {text}: {value!r} is not a number") from None
    return limits


def _exceeded(row, limits):
    for (label, name), limit in limits.items():
        if label != row.label:
            continue
        value = getattr(row, name)
        if value is None:
            yield f"{label}: {name} could not be checked against {limit:g} ({_reason(row, name)})"
        elif value > limit:
            yield f"{label}: {value:.3f} {name} per message, the limit is {limit:g}"


def _reason(row, name):
    return row.reasons.get("syscalls" if name == "mappings" else name, "unknown")


def _print(rows, load):
    width = max(len("server"), *(len(row.label) for row in rows))
    print(f"per message: {load.conns} connections in lockstep, {load.payload} B, {2 * load.messages} against {load.messages} messages")
    print(f"{'server':{width}}  {'instructions':>12}  {'syscalls':>8}  {'mallocs':>7}  {'mmap/brk':>8}  by name")
    for row in rows:
        names = ", ".join(f"{name} {calls:.3f}" for name, calls in sorted(row.by_name.items(), key=lambda item: -item[1]))
        print(f"{row.label:{width}}  {_figure(row.instructions, 1):>12}  {_figure(row.syscalls, 3):>8}  "
              f"{_figure(row.allocations, 3):>7}  {_figure(row.mappings, 3):>8}  {names}")
    for row in rows:
        for name, reason in row.reasons.items():
            print(f"n/a: {row.label}, {name}: {reason}")


def _figure(value, digits):
    return "n/a" if value is None else f"{value:.{digits}f}"


def _document(rows, load, arguments):
    return {
        "schema": 1, "workload": "tcp_echo", "params": {"conns": load.conns, "payload": load.payload, "pipeline": 1},
        "workers": arguments.workers, "messages": load.messages, "mapping_calls": list(MAPPING_CALLS),
        "rows": [{"server": row.label, "instructions": row.instructions, "syscalls": row.syscalls, "allocations": row.allocations,
                  "mappings": row.mappings, "syscalls_by_name": row.by_name, "not_measured": row.reasons} for row in rows]}


if __name__ == "__main__":
    sys.exit(main())
