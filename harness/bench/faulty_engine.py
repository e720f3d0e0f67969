"""An engine that does one thing wrong, for the tests of the bench: faulty_engine.py FAULT."""

import os
import signal
import socketserver
import subprocess
import sys
import threading

fault = sys.argv[1]


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(int(os.environ["REACTORLAB_READ_CHUNK"])):
            if fault == "garbage":
                data = data[:-1] + bytes([data[-1] ^ 1])
            if fault == "dies_serving":
                print("out of luck", file=sys.stderr, flush=True)
                os._exit(4)
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = int(os.environ["REACTORLAB_BACKLOG"])
    daemon_threads = True


if fault == "dies_early":
    sys.exit("no such luck")  # status 1
if fault == "never_ready":
    signal.pause()
if fault == "child":
    subprocess.Popen(["sleep", "1000"])
if fault == "wrong_status":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
with Server(("127.0.0.1", int(os.environ["REACTORLAB_PORT"])), Echo) as server:
    port = server.server_address[1]
    print({"wrong_ready": "listening", "no_port": "READY port=", "chatter": f"hello\nREADY port={port}"}.get(fault, f"READY port={port}"),
          flush=True)
    if fault == "ends_with_stdin":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        print('{"counters": {"stdin_ends": 1, "workers": ' + os.environ["REACTORLAB_WORKERS"] + "}}", file=sys.stderr)
    else:
        server.serve_forever()
