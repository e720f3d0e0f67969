"""scripts/counts --self-test: the counters against a server whose costs per message are known."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(__file__).parent


class Counters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="reactorlab-counts-selftest-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.server = Path(cls.scratch.name) / "probe_server"
        subprocess.run(["cc", "-std=gnu11", "-O1", "-o", str(cls.server), str(FOLDER / "probe_server.c")], check=True)

    def counts(self, *arguments, **environment):
        """(exit status, {row: figures}, standard error) of scripts/counts on the probe server, 8 x 5 messages."""
        out = Path(self.scratch.name) / "counts.json"
        out.unlink(missing_ok=True)
        run = subprocess.run(
            [sys.executable, "-m", "reactorlab_counts", f"--bench={self.server}", "--conns=8", "--turns=5", f"--json={out}", *arguments],
            capture_output=True, text=True, timeout=120, check=False,
            env={"PYTHONPATH": str(FOLDER.parent), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin", **environment})
        rows = {row["server"]: row for row in json.loads(out.read_text())["rows"]} if out.exists() else {}
        return run.returncode, rows, run.stderr

    def need(self, *tools):
        missing = [tool for tool in tools if not shutil.which(tool, path="/usr/bin:/bin")]
        if missing:
            self.skipTest(f"not installed: {', '.join(missing)}")

    def test_syscalls_are_exact(self):
        self.need("strace")
        _, rows, _ = self.counts("--impl=exact,getppid")
        names = rows["exact"]["syscalls_by_name"]
        self.assertEqual((names["read"], names["write"]), (1.0, 1.0))
        self.assertEqual(rows["getppid"]["syscalls_by_name"]["getppid"], 1.0)

    def test_allocations_are_exact(self):
        _, rows, _ = self.counts("--impl=exact,malloc")
        self.assertEqual((rows["exact"]["allocations"], rows["malloc"]["allocations"]), (0.0, 1.0))

    def test_instructions_tell_servers_apart(self):
        self.need("valgrind")
        _, rows, _ = self.counts("--impl=exact,malloc")
        self.assertGreater(rows["exact"]["instructions"], 10)
        self.assertGreater(rows["malloc"]["instructions"], rows["exact"]["instructions"] + 10)

    def test_limits_decide_the_exit_status(self):
        self.assertEqual(self.counts("--impl=malloc", "--max-allocations=1")[0], 0)
        status, _, errors = self.counts("--impl=exact,malloc", "--max-allocations", "malloc=0.5")
        self.assertEqual(status, 1)
        self.assertIn("malloc: 1.000 allocations per message, the limit is 0.5", errors)

    def test_a_missing_tool_is_not_a_zero(self):
        status, rows, errors = self.counts("--impl=exact", "--max-syscalls=9", PATH="/nonexistent")
        self.assertEqual((status, rows["exact"]["syscalls"]), (1, None))
        self.assertIn("could not be checked against 9 (strace is not installed", errors)

    def test_faulty_servers_give_a_reason_and_no_figure(self):
        for fault, reason in {"corrupt": "wrong echo", "badexit": "exit status 3", "mute": "ended before"}.items():
            _, rows, _ = self.counts(f"--impl={fault}", "--max-allocations=0")
            self.assertIsNone(rows[fault]["allocations"])
            self.assertIn(reason, rows[fault]["not_measured"]["allocations"])

    def test_every_locking_is_a_row(self):
        self.assertEqual(list(self.counts("--impl=getppid,getppid+b")[1]), ["getppid", "getppid+b"])
        self.assertEqual(list(self.counts("--impl=getppid,getppid+b,exact", "--locking=b")[1]), ["getppid+b", "exact"])

    def test_engines_are_rows_where_they_are_named_and_there(self):
        self.assertEqual(list(self.counts("--impl=engine:here,exact")[1]), ["engine:here", "exact"])
        for arguments in (["--impl=engine:gone"], ["--impl=all", "--max-syscalls=engine:here=1"]):
            self.assertEqual(self.counts(*arguments)[0], 2, arguments)

    def test_usage_errors(self):
        for arguments in (["--impl=nobody"], ["--impl=getppid+c"], ["--impl=getppid", "--locking=c"], ["--max-syscalls=nobody=1"], ["--max-syscalls=x"]):
            self.assertEqual(self.counts(*arguments)[0], 2, arguments)


def run():
    """0 if every check holds, 77 (to ctest a skip) if those that could be made do, 1 otherwise."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Counters)
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    if not result.wasSuccessful():
        return 1
    return 77 if result.skipped else 0
