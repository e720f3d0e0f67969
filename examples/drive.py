#!/usr/bin/python3
"""Runs an example with real clients and checks what it says.

drive.py PROGRAM --impl=NAME    PROGRAM is the path of one of the examples; which clients it gets goes by its file name

Status 0 as expected, 1 not, 2 usage. Nothing here sleeps: each step waits for a line of the program, or for bytes.
"""

import os
import re
import signal
import socket
import subprocess
import sys

TIME_LIMIT_S = 50  # of the whole run; only ever reached if something hangs


class Example:
    """The running program: its lines, in order."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def expect(self, pattern):
        """The match of the next line, which must look like this from its beginning to its end."""
        line = self.process.stdout.readline().rstrip("\n")
        match = re.fullmatch(pattern, line)
        assert match, f"expected a line like {pattern!r}, got {line!r}"
        return match

    def connect(self):
        """A client, connected to the port that the program says it listens on."""
        return socket.create_connection(self.address)

    def listening(self):
        self.address = ("127.0.0.1", int(self.expect(r"listening on 127\.0\.0\.1:(\d+)")[1]))

    def ends_well(self):
        rest = self.process.stdout.read()
        assert rest == "", f"more lines than expected: {rest!r}"
        status = self.process.wait()
        assert status == 0, f"exit status {status}"


def name_of(client):
    host, port = client.getsockname()
    return rf"{re.escape(host)}:{port}"


def read_exactly(client, count):
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        assert part, f"the stream ended after {data!r}"
        data += part
    return data


def single_listener(start):
    example = start("--connections=3")
    example.listening()
    for _ in range(3):
        with example.connect() as client:
            example.expect(f"a connection from {name_of(client)}")
            assert client.recv(1) == b"", "it should have been closed"
    example.expect(r"\d+ events in \d+ turns of the reactor")
    example.ends_well()


def multi_echo(start):
    example = start("--connections=3")
    example.listening()
    clients = [example.connect() for _ in range(3)]
    here = {example.expect(r"(\S+) is here")[1] for _ in clients}
    assert here == {"{}:{}".format(*client.getsockname()) for client in clients}
    # All three are connected before the first one says a word; the last comer speaks first.
    for number, client in enumerate(reversed(clients)):
        client.sendall(f"client {number}".encode())
    for number, client in enumerate(reversed(clients)):
        assert read_exactly(client, 8) == f"client {number}".encode()
    # One leaves, the others are still served. The long one is more than one buffer, and not read before all is sent.
    clients[0].shutdown(socket.SHUT_WR)
    assert clients[0].recv(1) == b""
    example.expect(f"{name_of(clients[0])} has left after 8 bytes")
    long = os.urandom(60_000)
    clients[1].sendall(long)
    assert read_exactly(clients[1], len(long)) == long
    for client, count in (clients[1], 8 + len(long)), (clients[2], 8):
        name = name_of(client)
        client.close()
        example.expect(f"{name} has left after {count} bytes")
    clients[0].close()
    example.ends_well()


def readable_future(start):
    example = start()
    example.listening()
    with example.connect() as client:
        example.expect(f"a connection from {name_of(client)}")
        example.expect("poll 1: would block, so the waker goes to the reactor")
        client.sendall(b"hello")
        example.expect("poll 2: ready")
        example.expect("5 bytes: hello")
        example.ends_well()


def deregistration(start):
    example = start("--connections=3")
    example.listening()
    example.expect("listening: 1 registrations, 0 waiters")
    clients = []
    for number in 1, 2, 3:
        clients.append(example.connect())
        example.expect(f"connected: {number + 1} registrations, {number} waiters")
    example.expect("listener closed: 3 registrations, 3 waiters")
    for left in 2, 1, 0:
        clients.pop().close()
        example.expect(f"left: {left} registrations, {left} waiters")
    example.expect("3 wakes came too late")
    example.expect("end: 0 registrations, 0 waiters")
    example.ends_well()


def spawn_sleep_join(start):
    example = start()
    for line in "spawned", "done!", "42":
        example.expect(line)
    example.ends_well()


DRIVERS = {f.__name__: f for f in (single_listener, multi_echo, readable_future, deregistration, spawn_sleep_join)}


def main(program, *options):
    driver = DRIVERS.get(os.path.basename(program))
    if not driver:
        print(f"drive.py: no clients for {program}; there are: {', '.join(DRIVERS)}", file=sys.stderr)
        return 2
    running = []

    def start(*more):
        running.append(Example([program, *options, *more]))
        return running[-1]

    def out_of_time(*_):
        raise AssertionError(f"not finished after {TIME_LIMIT_S} s")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(TIME_LIMIT_S)
    try:
        driver(start)
    except (AssertionError, OSError) as error:
        print(f"drive.py: {os.path.basename(program)} {' '.join(options)}: {error}", file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
        for example in running:
            if example.process.poll() is None:
                example.process.kill()
            example.process.wait()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
