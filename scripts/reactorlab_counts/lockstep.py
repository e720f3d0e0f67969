"""The load: every connection sends one message, then every echo is read and compared; again, a fixed number of times.

Client and server share a CPU and the server runs as SCHED_BATCH, which never preempts the client when it wakes. So the
server finds the whole batch ready in each turn, and two runs of the same length do the same work."""

import os
import select
import signal
import socket
import subprocess
import time

TIMEOUT = 60.0  # seconds for anything a sound server does at once, even under valgrind on a busy machine


class ServerError(Exception):
    """The server did not behave; the text says how."""


def serve_and_count(command, conns, payload, messages, environment=None):
    """Runs `command` until it has echoed `messages` messages, then ends it in order. `messages` divides by `conns`."""
    cpu = max(os.sched_getaffinity(0))
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE,
                              env=environment, preexec_fn=lambda: _share_cpu(cpu))
    previous = os.sched_getaffinity(0)
    peers = []  # open until the server has ended: whether it still reads their ends would be a matter of luck
    try:
        os.sched_setaffinity(0, {cpu})
        _echo(peers, _wait_for_port(server), conns, payload, messages // conns)
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=TIMEOUT)
        if server.returncode != 0:
            raise ServerError(f"exit status {server.returncode} after SIGTERM: {_last_line(errors)}")
    except OSError as error:
        raise ServerError(f"connection failed: {error}") from error
    except subprocess.TimeoutExpired:
        raise ServerError(f"still running {TIMEOUT:.0f} s after SIGTERM") from None
    finally:
        os.sched_setaffinity(0, previous)
        for peer in peers:
            peer.close()
        if server.poll() is None:
            server.kill()
            server.wait()
        for pipe in (server.stdin, server.stdout, server.stderr):
            pipe.close()


def _share_cpu(cpu):
    os.sched_setaffinity(0, {cpu})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _wait_for_port(server):
    """The port of the line `READY port=N`."""
    deadline, text = time.monotonic() + TIMEOUT, b""
    while b"\n" not in text:
        ready, _, _ = select.select([server.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ServerError(f"no line `READY port=N` within {TIMEOUT:.0f} s")
        chunk = os.read(server.stdout.fileno(), 4096)
        if not chunk:
            raise ServerError(f"ended before `READY port=N`: {_last_line(server.stderr.read())}")
        text += chunk
    line = text.split(b"\n")[0].decode(errors="replace")
    if not line.startswith("READY port="):
        raise ServerError(f"said {line!r} instead of `READY port=N`")
    return int(line.split("=")[1])


def _echo(peers, port, conns, payload, turns):
    for _ in range(conns):
        peer = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        peers.append(peer)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for turn in range(turns):
        sent = [_message(turn, index, payload) for index in range(conns)]
        for peer, message in zip(peers, sent):
            peer.sendall(message)
        for index, (peer, message) in enumerate(zip(peers, sent)):
            if _read_exactly(peer, payload) != message:
                raise ServerError(f"connection {index} got a wrong echo in turn {turn}")


def _message(turn, index, payload):
    """Differs between connections and turns, so that a swapped or repeated echo cannot pass."""
    stamp = turn.to_bytes(4, "big") + index.to_bytes(4, "big")
    return (stamp * (payload // len(stamp) + 1))[:payload]


def _read_exactly(peer, size):
    data = peer.recv(size)
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise ServerError("closed a connection in the middle of an echo")
        data += more
    return data


def _last_line(output):
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
