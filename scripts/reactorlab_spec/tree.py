"""Reads one tree of the repository. What can't be read as it should be is a violation, a line for the user."""

import collections
import functools
import pathlib
import re

SPEC = "docs/SPEC.md"
KIT = "harness/conformance"
CATALOGUE = KIT + "/catalogue.txt"
PAIRS = KIT + "/mutants/mutants.txt"
MUTANT_TABLE = KIT + "/mutants/README.md"
SKIPS = KIT + "/expected_skips.txt"
DEVIATIONS = KIT + "/deviations.txt"
ENUM = "core/mutation.hpp"

BY_CONSTRUCTION = "none: holds by construction"

CHAPTER = re.compile(r"^## ([A-Z]+: \S.*)")
HEADING = re.compile(r"^### ([A-Z]+(?:-[A-Z]+)?-[0-9]+) (\S.*)")
FIELD = re.compile(r"^- \*\*([^*]+)\*\*: (\S.*)")
TEST = re.compile(r"\b(?:BOTH_FORMS_)?RULE\(\s*([A-Z]+(?:_[A-Z]+)?_[0-9]+)\s*,")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
ENUMERATOR = re.compile(r"^\s*([a-z][a-z0-9_]*)\s*(?:=\s*\w+\s*)?,?\s*$")
SWEEP = re.compile(r"sweep-[a-z]+$")
SWITCH = re.compile(r"\bmutated\(\s*Mutant::([a-z0-9_]+)\s*\)")

NO_MUTANT = "none"  # the enumerator for a process without a fault


class Rule:
    def __init__(self, name, title, chapter, line):
        self.name, self.title, self.chapter_title, self.line = name, title, chapter, line
        self.fields, self.mutants, self.by_construction = [], [], False  # fields: (name, text)

    @property
    def chapter(self):
        return self.name.split("-")[0]

    @property
    def anchor(self):
        """Of its heading, as the forges make it."""
        return re.sub(r"[^\w\- ]", "", f"{self.name} {self.title}".lower()).replace(" ", "-")


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.violations = []
        self.rules = self.read_spec()

    def complain(self, place, message):
        self.violations.append(f"{place}: {message}")

    def lines(self, path):
        """(number, line) of a file without line ends; a missing file is a violation."""
        try:
            return list(enumerate((self.root / path).read_text(encoding="utf-8").splitlines(), 1))
        except FileNotFoundError:
            self.complain(path, "missing")
            return []

    def table(self, path, columns):
        """(number, words) of a table with `#` comments; the last column takes the rest of its line."""
        rows = []
        for number, line in self.lines(path):
            words = line.split(None, columns - 1)
            if not words or words[0].startswith("#"):
                continue
            if len(words) == columns:
                rows.append((number, [word.strip() for word in words]))
            else:
                self.complain(f"{path}:{number}", f"expected {columns} columns")
        return rows

    def keyed(self, path, columns, key_length):
        """key -> (line, the other words) of a table whose first words are a key; a key that is there twice is a violation."""
        rows = {}
        for number, words in self.table(path, columns):
            key = words[0] if key_length == 1 else tuple(words[:key_length])
            if key in rows:
                self.complain(f"{path}:{number}", f"{' '.join(words[:key_length])} is there twice, also in line {rows[key][0]}")
            rows.setdefault(key, (number, words[key_length:]))
        return rows

    def read_spec(self):
        rules, rule, chapter = {}, None, ""
        for number, line in self.lines(SPEC):
            if heading := HEADING.match(line):
                rule = Rule(heading[1], heading[2], chapter, number)
                if rule.name in rules:
                    self.complain(f"{SPEC}:{number}", f"{rule.name} is a rule already in line {rules[rule.name].line}")
                rules.setdefault(rule.name, rule)
            elif line.startswith("#"):
                if line.startswith("### "):
                    self.complain(f"{SPEC}:{number}", "a heading of this level is `### RULE-01 Title`")
                if title := CHAPTER.match(line):
                    chapter = title[1]
                rule = None
            elif rule and (field := FIELD.match(line)):
                rule.fields.append((field[1], field[2]))
                if field[1] == "Killed mutant":
                    rule.mutants = re.findall(r"`([a-z0-9_]+)`", line)
                    rule.by_construction = BY_CONSTRUCTION in line
        return rules

    def tests(self):
        """rule -> places of its tests"""
        tests = collections.defaultdict(list)
        for path in sorted((self.root / KIT).rglob("*.cpp")):
            code = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), path.read_text(encoding="utf-8"))
            for match in TEST.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                tests[match[1].replace("_", "-")].append(f"{path.relative_to(self.root)}:{line}")
        return tests

    def variants(self):
        return sorted(home.parent.name for home in (self.root / "impls").glob("*/home.hpp"))

    def catalogue(self):
        """rule -> (line, [where, title])"""
        return self.keyed(CATALOGUE, 3, 1)

    def pairs(self):
        """(mutant, rule) -> (line, [])"""
        return {pair: row for pair, row in self._all_pairs().items() if not SWEEP.match(pair[1])}

    def sweeps(self):
        """(mutant, fault sweep) -> (line, []): killed by a scenario under faults instead of by a rule; ctest's label mutant checks it."""
        return {pair: row for pair, row in self._all_pairs().items() if SWEEP.match(pair[1])}

    @functools.cache
    def _all_pairs(self):
        return self.keyed(PAIRS, 2, 2)

    def skips(self):
        """(variant, `variant@backend` or `*@backend`; rule) -> (line, [reason])"""
        return self.keyed(SKIPS, 3, 2)

    def deviations(self):
        """(variant, rule) -> (line, [explanation]); a tree without the file has none."""
        return self.keyed(DEVIATIONS, 3, 2) if (self.root / DEVIATIONS).exists() else {}

    def enumerators(self):
        names, inside = {}, False
        for number, line in self.lines(ENUM):
            line = line.split("//")[0]
            if re.match(r"\s*enum class Mutant\b", line):
                inside = True
            elif inside and "}" in line:
                inside = False
            elif inside and (match := ENUMERATOR.match(line)) and match[1] != NO_MUTANT:
                names[match[1]] = f"{ENUM}:{number}"
        return names

    def described(self):
        rows = ((number, re.match(r"\| `([a-z0-9_]+)` \|", line)) for number, line in self.lines(MUTANT_TABLE))
        return {row[1]: f"{MUTANT_TABLE}:{number}" for number, row in rows if row}

    def switches(self):
        found = set()
        for folder in ("core", "impls"):
            for path in sorted((self.root / folder).rglob("*.[ch]pp")):
                found.update(SWITCH.findall(COMMENT.sub("", path.read_text(encoding="utf-8"))))
        return found
