"""What the page shows, from the runs, the tree and the mutation matrix; the templates say how."""

from reactorlab_mutants.matrix import KILLS, LEGEND, Score, chapters, grid
from reactorlab_plot.catalogue import series_place

from .junit import FAIL, PASS, RULE_TEST, SKIP

DEVIATION, ABSENT = "deviation", "absent"
WORST_FIRST = [FAIL, DEVIATION, SKIP, PASS]
MEANING = {PASS: "every body that can be asked passed, on every configuration; a peer isn't asked what takes a seam",
           SKIP: "a body needs what this variant hasn't, and the others passed; of a peer: no body can be asked",
           DEVIATION: "a peer does it otherwise, and why is known", FAIL: "a body failed, hung, crashed or wasn't run",
           ABSENT: "not a rule for this variant"}


class Cell:
    def __init__(self, state, reason=""):
        self.state, self.reason = state, reason


class Page:
    def __init__(self, tree, runs, matrix, spec_link):
        self.runs, self.meaning, self.legend, self.matrix = runs, MEANING, LEGEND, matrix
        self.columns = self._columns()
        self._known = {"skips": tree.skips(), "deviations": tree.deviations()}
        self._link = spec_link
        self.cells = {(rule, column): self._cell(rule, *column) for rule in tree.rules for column in self.columns}
        pairs = tree.pairs()
        self.chapters = {}
        for rule in tree.rules.values():
            self.chapters.setdefault(rule.chapter_title or rule.chapter, []).append(self._row(rule, pairs))
        self.totals = {state: [sum(self.cells[rule, column].state == state for rule in tree.rules) for column in self.columns]
                       for state in (*reversed(WORST_FIRST), ABSENT)}
        self.failures = [(run.label, case.name, case.reason) for run in runs for case in run.cases.values()
                         if case.state == FAIL and not self._is_deviation(case.name)]
        self.skips = self._reasons(tree, SKIP)
        self.deviations = self._reasons(tree, DEVIATION)
        self.rule_count, self.behaviours = len(tree.rules), tree.catalogue()
        self.by_construction = [rule.name for rule in tree.rules.values() if rule.by_construction]
        self.score = Score(tree, matrix) if matrix else None
        self.mutants = [self._mutant(mutant, pairs) for mutant in matrix.rows] if matrix else []
        self.grid = grid(tree, matrix) if matrix else ""

    def _columns(self):
        """(variant, backend): in the order of all tables, each backend beside its variant"""
        found = {match.groups()[:2] for run in self.runs for match in map(RULE_TEST.fullmatch, run.cases) if match}
        return sorted(found, key=lambda column: (series_place(column[0]), column[1]))

    def _is_deviation(self, test):
        match = RULE_TEST.fullmatch(test)
        return bool(match) and (match[1], match[3]) in self._known["deviations"]

    def _cell(self, rule, variant, backend):
        cases = [(run, case) for run in self.runs if (case := run.cases.get(f"{variant}.{backend}.{rule}"))]
        if not cases:
            return Cell(ABSENT)
        if known := self._known["deviations"].get((variant, rule)):
            return Cell(DEVIATION, known[1][0])
        state = min((case.state for _, case in cases), key=WORST_FIRST.index)
        worst = [(run, case) for run, case in cases if case.state == state]
        if state == FAIL:
            return Cell(state, "; ".join(f"{run.label}: {case.reason}" for run, case in worst))
        if state == SKIP and (known := self._known["skips"].get((variant, rule))):
            return Cell(state, known[1][0])
        return Cell(state, worst[0][1].reason)

    def _row(self, rule, pairs):
        named = [mutant for mutant, name in pairs if name == rule.name]
        also = [mutant for mutant in self.matrix.victims(rule.name) if mutant not in named] if self.matrix else []
        promise = dict(rule.fields).get("Rule", "")
        return {"name": rule.name, "title": rule.title, "link": f"{self._link}#{rule.anchor}", "promise": promise,
                "cells": [self.cells[rule.name, column] for column in self.columns], "by_construction": rule.by_construction,
                "named": [(mutant, self._survives(mutant, rule.name)) for mutant in named], "also": also}

    def _survives(self, mutant, rule):
        return bool(self.matrix) and not self.matrix.kills(mutant, rule)

    def _mutant(self, mutant, pairs):
        killers = self.matrix.killers(mutant)
        named = [(rule, KILLS.get(self.matrix.cell(mutant, rule), "survives")) for name, rule in pairs if name == mutant]
        return {"name": mutant, "named": named, "also": shortened([rule for rule in killers if (mutant, rule) not in pairs]),
                "count": len(killers)}

    def _reasons(self, tree, state):
        """(variant and backend, rule, reason) of the cells in that state"""
        return [(label(column), rule, self.cells[rule, column].reason) for column in self.columns for rule in tree.rules
                if self.cells[rule, column].state == state]

    def labels(self):
        return [label(column) for column in self.columns]


def label(column):
    return f"{column[0]} {column[1]}"


def shortened(rules):
    """REG-01, 03; RDY-02"""
    groups = []
    for _, names in chapters(rules):
        prefixes = {}
        for name in names:
            prefix, _, number = name.rpartition("-")
            prefixes.setdefault(prefix, []).append(number)
        groups += [f"{prefix}-" + ", ".join(numbers) for prefix, numbers in prefixes.items()]
    return "; ".join(groups)
