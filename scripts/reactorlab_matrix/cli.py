"""What scripts/conformance_matrix does with its arguments."""

import argparse
import os
import sys
from pathlib import Path

import jinja2
import markupsafe

from reactorlab_mutants.matrix import Refused as NoMatrix
from reactorlab_mutants.matrix import load
from reactorlab_spec.tree import SPEC, Tree

from .junit import Refused, Run
from .page import Page

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": "page.md.j2", "index.html": "page.html.j2"}


def templates():
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined,
                                     autoescape=jinja2.select_autoescape(["html.j2"]), trim_blocks=True, lstrip_blocks=True,
                                     keep_trailing_newline=True)
    environment.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", r"\|")  # of a Markdown table
    environment.filters["breakable"] = lambda name: markupsafe.escape(name).replace("_", markupsafe.Markup("_<wbr>"))
    return environment


def work(options, root=ROOT):
    out = Path(options.out)
    try:
        matrix = load(Path(options.mutants) if options.mutants else root / "results/conformance/mutants.json")
        page = Page(Tree(root), [Run(argument) for argument in options.junit], matrix, os.path.relpath(root / SPEC, out))
        out.mkdir(parents=True, exist_ok=True)
        for name, template in PAGES.items():
            text = templates().get_template(template).render(page=page)
            (out / name).write_text(text, encoding="utf-8")
    except (Refused, NoMatrix) as refusal:
        print(f"conformance_matrix: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"conformance_matrix: {error.filename}: {error.strerror}; remedy: make --out writable", file=sys.stderr)
        return 1
    for problem in page.score.problems:
        print(f"conformance_matrix: {problem}", file=sys.stderr)
    counts = ", ".join(f"{sum(numbers)} {state}" for state, numbers in page.totals.items())
    print(f"wrote {' and '.join(str(out / name) for name in PAGES)}: {page.rule_count} rules on {len(page.columns)} variants: {counts}")
    return 0


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/conformance_matrix",
        description="Writes README.md and index.html: rules x variants x backends, skips with their reasons, and the mutants that each "
                    "rule kills. With the files of several presets a cell is the worst of them.",
        epilog="exit status: 0 written, 1 failure, 2 usage")
    parser.add_argument("junit", nargs="*", metavar="[NAME=]JUNIT_XML", help="build/PRESET/test.xml, which scripts/test writes")
    parser.add_argument("--out", metavar="DIR", help="such as results/conformance")
    parser.add_argument("--mutants", metavar="FILE", help="the matrix of scripts/mutants; default: results/conformance/mutants.json")
    parser.add_argument("--self-test", action="store_true", help="check this script with synthetic results and exit")
    options = parser.parse_args(words)
    if not options.self_test and not (options.junit and options.out):
        parser.error("name JUnit files and --out, e.g. scripts/conformance_matrix build/release/test.xml --out results/conformance")
    return options
