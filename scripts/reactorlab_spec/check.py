"""Rules, tests, mutants, catalogue and tables against each other, in both directions."""

import collections

from .tree import BY_CONSTRUCTION, CATALOGUE, DEVIATIONS, ENUM, KIT, MUTANT_TABLE, PAIRS, SKIPS, SPEC, Tree

FIELDS = ["Rule", "Intent", "Kind", "Needs", "Provoked by", "Killed mutant", "Source"]
BACKENDS = ("epoll", "uring_poll", "uring")
PLACES = {"rule", "io_uring"}  # where a behaviour of the catalogue is


class Check(Tree):
    """`violations` are lines for the user."""

    def __init__(self, root):
        super().__init__(root)
        self.tests_of = self.tests()
        self.listed = self.catalogue()
        self.gaps = 0
        self.check_spec()
        self.check_tests()
        self.check_catalogue()
        self.check_mutants()
        self.check_cells(SKIPS, self.skips(), {"*", *self.variants()}, "isn't a variant (impls/{}/home.hpp is missing)")
        implementations = {folder.name for folder in (self.root / "impls").glob("*/")}
        self.check_cells(DEVIATIONS, self.deviations(), implementations, "isn't an implementation (impls/{} is missing)")

    def check_spec(self):
        for rule in self.rules.values():
            place = f"{SPEC}:{rule.line}"
            if [name for name, _ in rule.fields] != FIELDS:
                self.complain(place, f"{rule.name}: expected the fields {', '.join(FIELDS)}, in this order and none empty")
            elif bool(rule.mutants) == rule.by_construction:
                self.complain(place, f"{rule.name}: name its mutants in backticks, or write `{BY_CONSTRUCTION}`, not both")

    def check_tests(self):
        for name, rule in self.rules.items():
            if name not in self.tests_of and not rule.by_construction:
                self.complain(f"{SPEC}:{rule.line}", f"{name} has no test RULE({name.replace('-', '_')}, ...) in {KIT}")
        for name, places in self.tests_of.items():
            if name not in self.rules:
                self.complain(places[0], f"{name} isn't a rule of {SPEC}")

    def check_catalogue(self):
        before = len(self.violations)
        for name, (line, (where, title)) in self.listed.items():
            place = f"{CATALOGUE}:{line}"
            if where not in PLACES:
                self.complain(place, f"{name} is at {where}, expected one of: {', '.join(sorted(PLACES))}")
            elif where == "rule" and name not in self.rules:
                self.complain(place, f"{name} ({title}) isn't a rule of {SPEC}")
            elif where != "rule" and name in self.rules:
                self.complain(place, f"{name} is a rule of {SPEC} by now: write `rule`")
        for name, rule in self.rules.items():
            if name not in self.listed:
                self.complain(f"{SPEC}:{rule.line}", f"{name} isn't in {CATALOGUE}")
        self.gaps = len(self.violations) - before

    def check_mutants(self):
        table = {pair: line for pair, (line, _) in self.pairs().items()}
        spec = {(mutant, rule.name): rule.line for rule in self.rules.values() for mutant in rule.mutants}
        for (mutant, rule), line in spec.items():
            if (mutant, rule) not in table:
                self.complain(f"{SPEC}:{line}", f"{mutant} {rule} isn't in {PAIRS}")
        for (mutant, rule), line in table.items():
            if (mutant, rule) not in spec:
                self.complain(f"{PAIRS}:{line}", f"{rule} doesn't name {mutant} in {SPEC}")

        sweeps = {pair: line for pair, (line, _) in self.sweeps().items()}
        for (_, sweep), line in sweeps.items():
            file = f"{KIT}/{sweep.replace('-', '_')}.cpp"
            if not (self.root / file).exists():
                self.complain(f"{PAIRS}:{line}", f"{sweep} isn't a sweep ({file} is missing)")

        names = {mutant: f"{PAIRS}:{line}" for (mutant, _), line in (table | sweeps).items()}
        self.compare(names, PAIRS, self.enumerators(), ENUM)
        self.compare(names, PAIRS, self.described(), MUTANT_TABLE)
        switches = self.switches()
        for mutant, place in names.items():
            if mutant not in switches:
                self.complain(place, f"{mutant} has no switch `mutated(Mutant::{mutant})` in core or impls")

    def compare(self, left, left_name, right, right_name):
        """Both are name -> place; a name in only one of them is a violation at its place."""
        for name in left.keys() - right.keys():
            self.complain(left[name], f"{name} isn't in {right_name}")
        for name in right.keys() - left.keys():
            self.complain(right[name], f"{name} isn't in {left_name}")

    def check_cells(self, path, table, variants, unknown):
        """A table of (variant, rule), each of which exists; `variant@backend` is the variant on one backend."""
        for (where, rule), (line, _) in table.items():
            variant, _, backend = where.partition("@")
            if where == "*" or ("@" in where and backend not in BACKENDS):
                self.complain(f"{path}:{line}", f"{where} names none of the backends {', '.join(BACKENDS)}")
            if variant not in variants:
                self.complain(f"{path}:{line}", f"{variant} {unknown.format(variant)}")
            if rule not in self.rules:
                self.complain(f"{path}:{line}", f"{rule} isn't a rule of {SPEC}")

    def counts(self):
        rows = [("chapter", "catalogue", "rules", "tests", "mutants")]
        chapters = collections.defaultdict(list)
        for name in self.listed | self.rules:
            chapters[name.split("-")[0]].append(name)
        for chapter, names in [*chapters.items(), ("all", list(self.listed | self.rules))]:
            rules = [self.rules[name] for name in names if name in self.rules]
            tests = sum(len(self.tests_of.get(rule.name, [])) for rule in rules)
            mutants = {mutant for rule in rules for mutant in rule.mutants}
            rows.append((chapter, sum(name in self.listed for name in names), len(rules), tests, len(mutants)))
        lines = [f"{row[0]:8} {row[1]:>9} {row[2]:>6} {row[3]:>6} {row[4]:>8}" for row in rows]
        elsewhere = sum(where != "rule" for _, (where, _) in self.listed.values())
        return "\n".join([*lines, f"{self.gaps} unexplained gaps; {elsewhere} behaviours belong to the io_uring backends, not here yet"])
