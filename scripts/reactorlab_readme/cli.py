"""What scripts/readme does with its arguments."""

import argparse
import os
import re
import sys
from pathlib import Path

from .figures import Refused
from .generate import generate
from .runs import listing

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"\]\((results/[^)]+)/charts/summary\.svg\)")


def shown(root, text):
    match = SHOWN.search(text)
    if not match:
        raise Refused("README.md shows no run yet; remedy: scripts/readme RESULTS")
    return root / match[1]


def work(arguments, root=ROOT):
    readme = root / "README.md"
    try:
        text = readme.read_text()
        results = Path(arguments.results) if arguments.results else shown(root, text)
        if not results.resolve().is_relative_to(root.resolve()):
            raise Refused(f"{results} is outside the repository, so README.md can't link to it; remedy: copy it to results/")
        wanted = generate(root, text, results, Path(arguments.counts) if arguments.counts else None)
        put(readme, wanted, f"README.md isn't what {results} says; remedy: scripts/readme {results}" if arguments.check else None)
        put(root / "results/README.md", listing(root),
            "results/README.md isn't what its folders say; remedy: scripts/readme" if arguments.check else None)
    except (Refused, OSError) as error:
        print(f"readme: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError) as error:
        print(f"readme: {results} lacks {error}; remedy: run ./bench again, with this version", file=sys.stderr)
        return 1
    return 0


def put(path, wanted, complaint):
    """Writes the file if it says something else; or, with a complaint, says so."""
    if path.exists() and path.read_text() == wanted:
        return
    if complaint:
        raise Refused(complaint)
    fresh = path.with_suffix(".tmp")
    fresh.write_text(wanted)
    os.replace(fresh, path)


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/readme", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Rewrites the parts of README.md between <!-- generated:NAME --> and <!-- end:NAME --> from a finished run, and\n"
                    "results/README.md from all that are stored. No figure in these files is typed by hand.",
        epilog="exit status: 0 done, 1 failure (with --check also: a file isn't what would be generated), 2 usage")
    parser.add_argument("results", nargs="?", metavar="RESULTS",
                        help="a folder inside the repository; by default the one that README.md shows")
    parser.add_argument("--counts", metavar="FILE", help="costs per message, by scripts/counts --json FILE; by default RESULTS/counts.json")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--self-test", action="store_true", help="check this script with synthetic results and exit")
    return parser.parse_args(words)
