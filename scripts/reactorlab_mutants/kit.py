"""Runs the binary `conformance`, a process per question, and says how it ended."""

import os
import re
import select
import signal
import subprocess
import tempfile
import time

from .matrix import CRASHED, ENDLESS, FAILED, HUNG, SURVIVED, Refused

PASSED, NO_BODY, HANG, SKIPPED = 0, 3, 4, 77  # its exit statuses that aren't failures
USAGE = 2
SWITCHES = re.compile(r"^switches: (.*)$", re.M)
BODY_TIME = re.compile(r"^\[ .* \] .* \((\d+) ms\)$", re.M)


class Baseline:
    """Of a rule without a fault. `switches`: the names of those it comes to; None without a test."""

    def __init__(self, switches=None, seconds=0, longest_body_ms=0):
        self.switches, self.seconds, self.longest_body_ms = switches, seconds, longest_body_ms


class Kit:
    def __init__(self, binary):
        self.binary = str(binary)

    def _run(self, words, limit_s):
        """(exit status, negative for a signal, None beyond the limit; the end of the output; seconds)"""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GTEST_")}
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            # A group of its own: a broken rule may leave children behind.
            child = subprocess.Popen([self.binary, "--gtest_fail_fast", *words], stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, start_new_session=True, env=environment)
            ended = os.pidfd_open(child.pid)
            try:
                poll = select.poll()
                poll.register(ended, select.POLLIN)
                in_time = bool(poll.poll(limit_s * 1000))
            finally:
                os.close(ended)
                os.killpg(child.pid, signal.SIGKILL)  # not reaped yet, so the group is still this child's
                status = child.wait()
            size = output.seek(0, os.SEEK_END)
            output.seek(max(0, size - 1_000_000))
            said = output.read().decode(errors="replace")
        return status if in_time else None, said, time.monotonic() - started

    def baseline(self, rule):
        status, said, seconds = self._run([f"--rule={rule}", "--note-switches"], 300)
        if status == NO_BODY:
            return Baseline()
        if status not in (PASSED, SKIPPED):
            raise Refused(f"{rule} fails without a fault (status {status}), so its kills mean nothing; remedy: mend it first: "
                          f"{self.binary} --rule={rule}\n{said}")
        match = SWITCHES.search(said)
        if not match:
            raise Refused(f"{self.binary} doesn't name the switches of {rule}; remedy: build it anew")
        return Baseline(set(match[1].split()), seconds, max(map(int, BODY_TIME.findall(said)), default=0))

    def verdict(self, mutant, rule, watchdog_ms):
        """The letter of that pair."""
        words = [f"--mutant={mutant}", f"--rule={rule}", f"--watchdog={watchdog_ms}"]
        status, said, _ = self._run(words, 30 + watchdog_ms / 1000)
        if status in (PASSED, SKIPPED):
            return SURVIVED
        if status in (USAGE, NO_BODY):
            raise Refused(f"{self.binary} {' '.join(words)} can't run: {said.strip()}; remedy: build it anew")
        if status == HANG:
            return ENDLESS if "runs on and on" in said else HUNG
        return ENDLESS if status is None else CRASHED if status < 0 else FAILED
