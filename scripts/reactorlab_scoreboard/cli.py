"""What scripts/scoreboard does with its arguments."""

import argparse
import json
import os
import sys
from pathlib import Path

from reactorlab_plot.load import ResultsError, load

from . import definitions
from .observe import Run, score
from .page import Board

ROOT = Path(__file__).resolve().parents[2]
OUT = "results/scoreboard"


class Refused(Exception):
    """Nothing can be written; the text names cause and remedy."""


def work(options, root=ROOT):
    out = Path(options.out) if options.out else root / OUT
    try:
        board = _board(options, root, out)
        wanted = board.files()
        if options.check:
            _check(out, wanted)
            return 0
        out.mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
            fresh = out / f"{name}.tmp"
            fresh.write_text(text, encoding="utf-8")
            os.replace(fresh, out / name)
    except (Refused, ResultsError, definitions.DefinitionError) as error:
        print(f"scoreboard: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"scoreboard: {error.filename}: {error.strerror}; remedy: make --out writable", file=sys.stderr)
        return 1
    print(f"wrote {out / 'README.md'} and scoreboard.json; findings: {board.tally()}")
    return 0


def _board(options, root, out):
    findings = definitions.findings(root / "harness/findings")
    runs = [_run(folder) for folder in options.runs or _shown(root, out)]
    _refuse_twice(runs)
    workloads, ablations, margin = root / "harness/workloads", root / "harness/ablations", runs[0].results.equivalence
    changed = definitions.ablations(ablations, workloads, margin) if ablations.exists() else []
    return Board(root, out, runs, *([score(one, runs) for one in part] for part in (findings, definitions.hypotheses(workloads, margin), changed)))


def _shown(root, out):
    """The runs of the scoreboard that is there, for --check."""
    try:
        folders = [root / run["folder"] for run in json.loads((out / "scoreboard.json").read_text())["runs"]]
    except FileNotFoundError:
        raise Refused(f"{out} holds no scoreboard.json, so there is nothing to check; remedy: scripts/scoreboard RUN") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{out / 'scoreboard.json'} isn't what this script writes ({error}); remedy: scripts/scoreboard RUN") from None
    if not folders:
        raise Refused(f"{out / 'scoreboard.json'} names no run; remedy: scripts/scoreboard RUN")
    return folders


def _run(folder):
    results = load(folder)
    if results.partial:
        raise Refused(f"{folder} is a run that was interrupted; remedy: finish it by ./bench run --resume={folder}")
    if differences := results.disagreements():
        raise Refused(f"{folder}: {differences[0]} ({len(differences)} such); remedy: restore both files, or measure again")
    return Run(results.folder.resolve().name, results)


def _refuse_twice(runs):
    """The same samples would count for two runs."""
    names = [run.name for run in runs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Refused(f"two runs are called {twice}; remedy: name each folder once, and give copies of others another name")


def _check(out, wanted):
    for name, text in wanted.items():
        path = out / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            raise Refused(f"{path} isn't what its runs and the definitions say; remedy: scripts/scoreboard with the same runs")


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/scoreboard", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Writes README.md and scoreboard.json: each prediction of harness/findings, and each hypothesis of harness/workloads\n"
                    "and harness/ablations, against stored runs. Several runs are judged each by itself and have to agree.",
        epilog="verdicts: confirmed, refuted, undecided, not measured; by intervals, never by points.\n"
               "exit status: 0 written (whatever the verdicts), 1 failure (with --check also: it isn't what would be written), 2 usage")
    parser.add_argument("runs", nargs="*", metavar="RUN", help="folders of finished runs, as results/2026-01-31")
    parser.add_argument("--out", metavar="DIR", help=f"default: {OUT}")
    parser.add_argument("--check", action="store_true", help="change nothing; without RUN, of the runs that the scoreboard names")
    parser.add_argument("--self-test", action="store_true", help="check this script with synthetic runs of known truth and exit")
    options = parser.parse_args(words)
    if not (options.self_test or options.check or options.runs):
        parser.error("name one or more runs, e.g. scripts/scoreboard results/2026-01-31")
    return options
