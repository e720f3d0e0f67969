"""The matrix mutants x rules: what became of each pair, whether that is enough, and how it is kept and printed."""

import json
import os

from reactorlab_spec.tree import PAIRS, SPEC

FAILED, CRASHED, HUNG, ENDLESS = "F", "C", "H", "W"
SURVIVED, UNREACHED, UNKNOWN = "-", ".", "?"
KILLS = {FAILED: "failed", CRASHED: "crashed", HUNG: "hung", ENDLESS: "ran on and on"}
LEGEND = {**KILLS, SURVIVED: "passed, so the mutant survives it", UNREACHED: "never comes to the mutant's switch",
          UNKNOWN: "wasn't run"}
REMEDY = "remedy: scripts/mutants --json results/conformance/mutants.json"


class Refused(Exception):
    """Why there is no matrix; the text names cause and remedy."""


class Matrix:
    """`rules` are in the order of the spec; `rows` has for each mutant a letter of LEGEND per rule."""

    def __init__(self, rules, facts=None, rows=None):
        self.rules, self.facts, self.rows = list(rules), dict(facts or {}), dict(rows or {})
        self._column = {rule: index for index, rule in enumerate(self.rules)}

    def cell(self, mutant, rule):
        row, column = self.rows.get(mutant), self._column.get(rule)
        return UNKNOWN if row is None or column is None else row[column]

    def kills(self, mutant, rule):
        return self.cell(mutant, rule) in KILLS

    def killers(self, mutant):
        return [rule for rule in self.rules if self.kills(mutant, rule)]

    def victims(self, rule):
        return [mutant for mutant in self.rows if self.kills(mutant, rule)]

    def count(self, letters):
        return sum(row.count(letter) for row in self.rows.values() for letter in letters)

    def save(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        content = {"schema": 1, **self.facts, "legend": LEGEND, "rules": self.rules, "rows": self.rows}
        fresh.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(fresh, path)


def load(path):
    try:
        data = json.loads(path.read_text())
        rules, rows = data.pop("rules"), data.pop("rows")
        if data.pop("schema") != 1 or any(len(row) != len(rules) or set(row) - set(LEGEND) for row in rows.values()):
            raise ValueError("another schema")
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}; {REMEDY}") from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(f"{path} isn't a matrix of this version ({error}); {REMEDY}") from None
    data.pop("legend", None)
    return Matrix(rules, data, rows)


class Score:
    """`problems` are lines for the user; empty means that the kit is as sharp as it says."""

    def __init__(self, tree, matrix, whole=True):
        pairs = tree.pairs()
        named = {}
        for mutant, rule in pairs:
            named.setdefault(mutant, []).append(rule)
        self.pairs = len(pairs)
        self.pairs_killed = sum(matrix.kills(*pair) for pair in pairs)
        self.mutants = len(named)
        self.mutants_killed = sum(any(matrix.kills(mutant, rule) for rule in rules) for mutant, rules in named.items())
        sharp = [rule for rule in tree.rules.values() if not rule.by_construction]
        self.by_construction = len(tree.rules) - len(sharp)
        blunt = [rule for rule in sharp if not matrix.victims(rule.name)]
        self.rules, self.rules_killing = len(sharp), len(sharp) - len(blunt)

        self.problems = []
        if whole:
            self.problems += [f"{mutant}: a mutant of {PAIRS} that isn't in the matrix" for mutant in named if mutant not in matrix.rows]
            self.problems += [f"{rule}: a rule of {SPEC} that isn't in the matrix" for rule in tree.rules if rule not in matrix.rules]
            self.problems += [f"{mutant}: in the matrix, but no mutant of {PAIRS}" for mutant in matrix.rows if mutant not in named]
            self.problems += [f"{rule}: in the matrix, but no rule of {SPEC}" for rule in matrix.rules if rule not in tree.rules]
        for (mutant, rule), (line, _) in pairs.items():
            asked = mutant in matrix.rows and rule in matrix.rules and (whole or matrix.cell(mutant, rule) != UNKNOWN)
            if asked and not matrix.kills(mutant, rule):
                self.problems.append(f"{PAIRS}:{line}: {mutant} survives {rule} ({LEGEND[matrix.cell(mutant, rule)]})")
        if whole:
            self.problems += [f"{SPEC}:{rule.line}: {rule.name} kills nothing" for rule in blunt if rule.name in matrix.rules]

    def text(self, matrix):
        reached = matrix.count(KILLS) + matrix.count(SURVIVED)
        share = f"{100 * self.mutants_killed / self.mutants:.1f} %" if self.mutants else "n/a"
        return "\n".join([
            f"mutation score: {share}: {self.mutants_killed} of {self.mutants} mutants die by a rule that names them",
            f"pairs that are named: {self.pairs_killed} of {self.pairs} killed",
            f"rules: {self.rules_killing} of {self.rules} kill at least one mutant; {self.by_construction} hold by construction",
            f"cells: {matrix.count(KILLS)} kills, {matrix.count(SURVIVED)} survivals: "
            + (f"{100 * matrix.count(KILLS) / reached:.0f} % of the {reached} in which the rule comes to the switch; " if reached else "")
            + f"{matrix.count(UNREACHED)} never come to it, {matrix.count(UNKNOWN)} weren't run"])


def chapters(rules):
    """(chapter, rules) in order"""
    groups = {}
    for rule in rules:
        groups.setdefault(rule.split("-")[0], []).append(rule)
    return list(groups.items())


def grid(tree, matrix):
    """The matrix as text: a line per mutant, a column per rule; `!` behind the letter of a pair that is named."""
    width = max(map(len, matrix.rows), default=0)
    columns = chapters(matrix.rules)
    numbers = [[rule.rsplit("-", 1)[1] for rule in rules] for _, rules in columns]
    lines = [" " * width + "  " + " ".join(f"{chapter:<{2 * len(rules)}}" for chapter, rules in columns)]
    lines += [" " * width + "  " + " ".join("".join(number[-2:][digit] + " " for number in group) for group in numbers)
              for digit in (0, 1)]
    named = tree.pairs()
    for mutant in matrix.rows:
        groups = ("".join(matrix.cell(mutant, rule) + ("!" if (mutant, rule) in named else " ") for rule in rules)
                  for _, rules in columns)
        lines.append(f"{mutant:<{width}}  " + " ".join(groups).rstrip())
    return "\n".join(line.rstrip() for line in lines)


def report(tree, matrix, score):
    facts = matrix.facts
    origin = ", ".join(str(fact) for fact in (
        facts.get("preset"), facts.get("commit", "unknown commit"), f"{facts.get('modified_files', 0)} files modified",
        facts.get("started_at")) if fact)
    legend = "; ".join(f"{letter} {meaning}" for letter, meaning in LEGEND.items())
    return "\n".join([f"mutants x rules: {origin}", f"{legend}; ! the rule names that mutant", "", grid(tree, matrix), "",
                      score.text(matrix), *score.problems]) + "\n"
