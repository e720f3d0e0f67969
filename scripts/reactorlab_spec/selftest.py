"""Plants every kind of violation in a temporary tree and demands that each is reported."""

import pathlib
import shutil
import tempfile

from .check import FIELDS, Check
from .tree import BY_CONSTRUCTION, CATALOGUE, DEVIATIONS, ENUM, KIT, MUTANT_TABLE, PAIRS, SKIPS, SPEC

# A tree in which all is well.
CLEAN = {
    SPEC: "# Rules\n\n" + "\n\n".join(
        f"### {rule} Title\n" + "\n".join(f"- **{field}**: {mutant if field == 'Killed mutant' else 'text'}" for field in FIELDS)
        for rule, mutant in (("REG-01", "`lost`, `twice`"), ("VAR-TL-01", "`lost`"), ("REG-02", BY_CONSTRUCTION))) + "\n",
    CATALOGUE: "# comment\nREG-01 rule Title\nREG-02 rule Title\nVAR-TL-01 rule Title\nURG-01 io_uring Title of words\n",
    PAIRS: "# comment\nlost   REG-01\ntwice  REG-01\nlost   VAR-TL-01\nlost   sweep-echo\n",
    MUTANT_TABLE: "| mutant | where |\n|---|---|\n| `lost` | here |\n| `twice` | there |\n",
    SKIPS: "# comment\nhome REG-01 no such capability\n*@epoll REG-02 no ring\nhome@uring REG-02 no edge\n",
    DEVIATIONS: "# comment\npeer REG-01 does it its own way\n",
    ENUM: "enum class Mutant {\n  none,\n  lost,\n  twice,  // text\n};\n",
    KIT + "/registration.cpp": "RULE(REG_01, first) {}\nRULE(REG_01, second) {}\n// RULE(REG_99, commented_out)\n",
    KIT + "/sweep_echo.cpp": "void sweep_echo() {}\n",
    KIT + "/var/home.cpp": "RULE( VAR_TL_01 ,\n     only) {}\n",
    "core/reactor.cpp": "if (mutated(Mutant::lost)) return;\n",
    "impls/home/home.hpp": "if (mutated(Mutant::twice)) return;\n",
    "impls/peer/engine.cpp": "",
}

# (what is wrong, file, text, its replacement, part of the report)
FAULTS = [
    ("rule without test", KIT + "/var/home.cpp", "VAR_TL_01", "REG_01", "VAR-TL-01 has no test"),
    ("test commented out", KIT + "/var/home.cpp", "RULE(", "// RULE(", "VAR-TL-01 has no test"),
    ("test without rule", KIT + "/registration.cpp", "RULE(REG_01, first)", "RULE(REG_07, first)", "REG-07 isn't a rule"),
    ("rule twice", SPEC, "### REG-02", "### REG-01", "REG-01 is a rule already"),
    ("heading that isn't a rule", SPEC, "### REG-02 Title", "### About", "a heading of this level"),
    ("field missing", SPEC, "- **Intent**: text\n", "", "expected the fields"),
    ("field empty", SPEC, "- **Intent**: text\n", "- **Intent**:\n", "expected the fields"),
    ("rule without mutant", SPEC, BY_CONSTRUCTION, "see below", "name its mutants"),
    ("behaviour without rule", SPEC, "### REG-02", "### REG-03", "REG-02 (Title) isn't a rule"),
    ("rule that isn't in the catalogue", CATALOGUE, "REG-02 rule Title\n", "", "REG-02 isn't in " + CATALOGUE),
    ("behaviour that has become a rule", CATALOGUE, "REG-02 rule", "REG-02 io_uring", "REG-02 is a rule of"),
    ("behaviour at an unknown place", CATALOGUE, "URG-01 io_uring", "URG-01 later", "URG-01 is at later"),
    ("behaviour without title", CATALOGUE, "URG-01 io_uring Title of words", "URG-01 io_uring", "expected 3 columns"),
    ("behaviour twice", CATALOGUE, "# comment", "REG-01 rule Title", "REG-01 is there twice"),
    ("no catalogue", CATALOGUE, None, None, CATALOGUE + ": missing"),
    ("mutant of the spec not in the table", PAIRS, "twice  REG-01\n", "", "twice REG-01 isn't in"),
    ("pair of the table not in the spec", PAIRS, "lost   VAR-TL-01", "twice  VAR-TL-01", "VAR-TL-01 doesn't name twice"),
    ("sweep of no scenario", PAIRS, "sweep-echo", "sweep-ohce", "sweep-ohce isn't a sweep"),
    ("pair twice", PAIRS, "# comment", "lost REG-01", "lost REG-01 is there twice"),
    ("pair without rule", PAIRS, "# comment", "lost", "expected 2 columns"),
    ("mutant not in the enum", ENUM, "  twice,  // text\n", "", "twice isn't in " + ENUM),
    ("enumerator not in the table", ENUM, "  lost,\n", "  lost,\n  odd,\n", "odd isn't in " + PAIRS),
    ("mutant not described", MUTANT_TABLE, "| `twice` | there |\n", "", "twice isn't in " + MUTANT_TABLE),
    ("description without mutant", MUTANT_TABLE, "`twice`", "`thrice`", "thrice isn't in " + PAIRS),
    ("mutant without switch", "core/reactor.cpp", "mutated(", "// mutated(", "lost has no switch"),
    ("skip of an unknown rule", SKIPS, "REG-01", "REG-77", "REG-77 isn't a rule"),
    ("skip of an unknown variant", SKIPS, "home", "hotel", "hotel isn't a variant"),
    ("skip on an unknown backend", SKIPS, "@uring", "@uringe", "home@uringe names none of the backends"),
    ("skip of every variant", SKIPS, "*@epoll", "*", "* names none of the backends"),
    ("skip without reason", SKIPS, " no such capability", "", "expected 3 columns"),
    ("skip twice", SKIPS, "# comment", "home REG-01 twice", "home REG-01 is there twice"),
    ("deviation of an unknown rule", DEVIATIONS, "REG-01", "REG-77", "REG-77 isn't a rule"),
    ("deviation of an unknown implementation", DEVIATIONS, "peer", "pear", "pear isn't an implementation"),
    ("deviation without explanation", DEVIATIONS, " does it its own way", "", "expected 3 columns"),
    ("no spec", SPEC, None, None, SPEC + ": missing"),
]


def plant(root, fault=None):
    shutil.rmtree(root, ignore_errors=True)
    for path, text in CLEAN.items():
        if fault and fault[1] == path:
            if fault[2] is None:
                continue
            assert fault[2] in text, f"the self-test can't plant: {fault[0]}"
            text = text.replace(fault[2], fault[3], 1)
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def run():
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "tree"
        plant(root)
        missed += [f"a clean tree is reported: {line}" for line in Check(root).violations]
        (root / DEVIATIONS).unlink()
        missed += [f"a tree without deviations is reported: {line}" for line in Check(root).violations]
        for fault in FAULTS:
            plant(root, fault)
            report = Check(root).violations
            if not any(fault[4] in line for line in report):
                missed.append(f"not reported: {fault[0]} (reported: {report})")
    print("\n".join(missed) if missed else f"check_spec: self-test passed, {len(FAULTS)} kinds of violation are reported")
    return 1 if missed else 0
