"""The command line of scripts/plot."""

import argparse
import sys

from . import load, report, selftest


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/plot", description="Draws charts/ and README.md into a results folder of `bench run`.")
    parser.add_argument("results", nargs="?", help="folder with samples.jsonl, summary.json and provenance.json")
    parser.add_argument("--self-test", action="store_true", help="check the charts against synthetic data and exit")
    arguments = parser.parse_args()
    if arguments.self_test:
        return selftest.run()
    if not arguments.results:
        parser.error("name a results folder, e.g. scripts/plot results/2026-01-31")
    try:
        results = load.load(arguments.results)
        drawn = report.write(results)
    except load.ResultsError as error:
        print(f"plot: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plot: cannot write into {arguments.results}: {error.strerror} ({error.filename}); "
              "remedy: make the folder writable", file=sys.stderr)
        return 1
    for line in results.problems():
        print(f"plot: {line}", file=sys.stderr)
    print(f"wrote {results.folder / 'README.md'} and {len(drawn)} charts: {', '.join(drawn)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
