"""What scripts/mutants does with its arguments."""

import argparse
import datetime
import hashlib
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

from reactorlab_spec.tree import Tree

from . import run
from .kit import Kit
from .matrix import UNKNOWN, Matrix, Refused, Score, load, report

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = "results/conformance/mutants.json"


def git(root, *words):
    """What git prints; nothing if it fails, or isn't there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def build(root, preset):
    if subprocess.run([str(root / "scripts/build"), preset, "conformance", "-DREACTORLAB_RULES="]).returncode != 0:
        raise Refused("nothing to run; remedy: mend the build")
    return root / "build" / preset / "conformance"


def without_folder(word):
    """A file of this machine is named, where it lay is nobody's business."""
    return re.sub(r"(^|=)/.*/", r"\1", word)


def facts(root, options, binary):
    return {"partial": True, "quick": options.quick, "asked": options.rules, "preset": options.preset if not options.binary else "",
            "command_line": ["scripts/mutants", *map(without_folder, options.words)], "commit": git(root, "rev-parse", "HEAD").strip() or "unknown",
            "modified_files": len(git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!results").splitlines()),
            "binary": "sha256:" + hashlib.sha256(binary.read_bytes()).hexdigest(),
            "started_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}


def selected(tree, pattern):
    mutants = [mutant for mutant in dict.fromkeys(mutant for mutant, _ in tree.pairs()) if re.search(pattern, mutant)]
    if not mutants:
        raise Refused(f"no mutant matches '{pattern}'; remedy: choose from harness/conformance/mutants/mutants.txt")
    return mutants


def asked(tree, pattern):
    rules = [rule for rule in tree.rules if re.search(pattern, rule)]
    if not rules:
        raise Refused(f"no rule matches '{pattern}'; remedy: choose from docs/SPEC.md")
    return rules


def measure(root, options):
    tree = Tree(root)
    mutants, rules = selected(tree, options.only), asked(tree, options.rules)
    binary = Path(options.binary) if options.binary else build(root, options.preset)
    file = Path(options.json) if options.json else root / "build" / options.preset / "mutants.json"
    matrix = Matrix(tree.rules, facts(root, options, binary))
    take_over(matrix, file, set(mutants) if options.fresh else set())
    left = [mutant for mutant in mutants if mutant not in matrix.rows]
    if len(left) < len(mutants):
        run.say(f"{len(mutants) - len(left)} mutants are in {file} already, of this very binary; --fresh runs them again")
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if left:
        run.fill(tree, Kit(binary), matrix, left, rules, options.jobs, options.quick, lambda rows: rows.save(file))
    everything = dict.fromkeys(mutant for mutant, _ in tree.pairs())
    matrix.rows = {mutant: matrix.rows[mutant] for mutant in everything if mutant in matrix.rows}
    matrix.facts["partial"] = len(matrix.rows) < len(everything) or len(rules) < len(matrix.rules)
    matrix.save(file)
    return tree, matrix, Score(tree, matrix, whole=not matrix.facts["partial"])


def extend(root, options):
    """The published matrix with what it hasn't, as another run found that; what was found is kept with what found it. What neither has
    wasn't run, and says so."""
    tree, file = Tree(root), Path(options.json) if options.json else root / PUBLISHED
    old, new = load(file), load(Path(options.extend))
    if old.facts.get("partial") or new.rules != list(tree.rules):
        raise Refused(f"{options.extend} must be of the present rules, and {file} whole; remedy: run scripts/mutants --only=... again")
    matrix = Matrix(tree.rules, old.facts)
    for mutant in dict.fromkeys(mutant for mutant, _ in tree.pairs()):
        if mutant in old.rows or mutant in new.rows:
            known = [(old.cell(mutant, rule), new.cell(mutant, rule)) for rule in matrix.rules]
            matrix.rows[mutant] = "".join(theirs if ours == UNKNOWN else ours for ours, theirs in known)
    found = {fact: new.facts[fact] for fact in ("command_line", "commit", "modified_files", "binary", "started_at") if fact in new.facts}
    found["mutants"] = [mutant for mutant in matrix.rows if mutant not in old.rows]
    matrix.facts["extended"] = [*old.facts.get("extended", []), found]
    matrix.save(file)
    return tree, matrix, Score(tree, matrix)


def take_over(matrix, file, but):
    """The rows of an earlier run of the same binary, except for those mutants."""
    try:
        previous = load(file)
    except Refused:
        return
    same = all(previous.facts.get(fact) == matrix.facts[fact] for fact in ("binary", "quick", "asked"))
    if previous.rules == matrix.rules and same:
        matrix.rows = {mutant: row for mutant, row in previous.rows.items() if mutant not in but}


def check(root, options):
    tree, matrix = Tree(root), load(Path(options.json) if options.json else root / PUBLISHED)
    score = Score(tree, matrix)
    for fact, words in (("partial", "an unfinished or partial run"), ("quick", "a run of the named pairs only (--quick)")):
        if matrix.facts.get(fact):
            score.problems.append(f"the matrix is of {words}")
    return tree, matrix, score


def work(options, root=ROOT):
    try:
        tree, matrix, score = (check if options.check else extend if options.extend else measure)(root, options)
        text = report(tree, matrix, score)
        if options.out:
            Path(options.out).write_text(text)
    except Refused as refusal:
        print(f"mutants: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mutants: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mutants: interrupted; the same command goes on from here", file=sys.stderr)
        return 1
    print("\n".join([*score.problems, score.text(matrix)]) if options.check else text, end="\n" if options.check else "")
    if score.problems and options.check:
        print("remedy, if the matrix is older than the rules: scripts/mutants --json results/conformance/mutants.json")
    return 1 if score.problems else 0


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/mutants", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs every rule against every mutant whose switch it comes to, on all variants until it fails on one, and prints the\n"
                    "matrix mutants x rules and the mutation score. An interrupted run goes on where it was.",
        epilog="exit status: 0 every mutant dies by each rule that names it, and every rule kills one; 1 not so, or a failure; 2 usage")
    parser.add_argument("--preset", default="release", choices=("release", "dev", "asan", "tsan"), help="whose build; default: release")
    parser.add_argument("--quick", action="store_true", help="only the pairs of mutants.txt")
    parser.add_argument("--only", metavar="REGEX", default="", help="only the mutants whose name matches")
    parser.add_argument("--rules", metavar="REGEX", default="", help="only the rules whose name matches")
    parser.add_argument("--extend", metavar="RUN", default="",
                        help="run nothing: the published matrix gets what it hasn't (mutants, rules, pairs) from the matrix RUN")
    parser.add_argument("--json", metavar="FILE", help="where the matrix is kept, and read from; default: build/PRESET/mutants.json")
    parser.add_argument("--out", metavar="FILE", help="write the text to FILE, too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time; default: one per CPU")
    parser.add_argument("--fresh", action="store_true", help="don't take over what FILE has of this very binary")
    parser.add_argument("--binary", metavar="FILE", help="another conformance binary, as it is; nothing is built")
    parser.add_argument("--check", action="store_true", help="run nothing: does the published matrix agree with rules and mutants?")
    parser.add_argument("--self-test", action="store_true", help="check this script with a kit whose behaviour is known, and exit")
    options = parser.parse_args(words)
    options.words = words
    return options
