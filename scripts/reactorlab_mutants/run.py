"""Fills a matrix: first each rule without a fault, which says what its switches are and what it costs, then mutant by mutant."""

import concurrent.futures
import sys
import time

from .matrix import KILLS, UNKNOWN, UNREACHED, Refused

LEAST_WATCHDOG_MS = 2_000  # for one body; more for a rule whose longest body takes more than an eighth of it


def say(text):
    print(f"mutants: {text}", file=sys.stderr, flush=True)


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def baselines(kit, pool, rules):
    """{name: Baseline}"""
    started = time.monotonic()
    found = dict(zip([rule.name for rule in rules], pool.map(kit.baseline, [rule.name for rule in rules])))
    if missing := [rule.name for rule in rules if found[rule.name].switches is None and not rule.by_construction]:
        raise Refused(f"no test of {', '.join(missing)} in the binary; remedy: scripts/build PRESET conformance -DREACTORLAB_RULES=")
    say(f"{len(rules)} rules pass without a fault, {minutes(time.monotonic() - started)}")
    return found


def reaches(base, mutant):
    return mutant in (base.switches or ())


def questions(tree, base, mutant, quick):
    """Which of the rules to run against this mutant, those that name it first."""
    named = [rule for name, rule in tree.pairs() if name == mutant and rule in base]
    others = [] if quick else [rule for rule in base if rule not in named and reaches(base[rule], mutant)]
    return named + others


def fill(tree, kit, matrix, mutants, rules, jobs, quick, keep):
    """Adds a row for each of `mutants`, with what each of `rules` says; `keep(matrix)` is called after each, so that what was done isn't lost."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            base = baselines(kit, pool, [tree.rules[rule] for rule in rules])
            plan = {mutant: questions(tree, base, mutant, quick) for mutant in mutants}
            costs = {mutant: sum(base[rule].seconds for rule in chosen) for mutant, chosen in plan.items()}
            say(f"{len(mutants)} mutants, {sum(map(len, plan.values()))} pairs")
            started, unpaid = time.monotonic(), sum(costs.values())
            watchdogs = {rule: max(LEAST_WATCHDOG_MS, 8 * base[rule].longest_body_ms) for rule in rules}
            asked = {mutant: {rule: pool.submit(kit.verdict, mutant, rule, watchdogs[rule]) for rule in chosen}
                     for mutant, chosen in plan.items()}
            for done, (mutant, answers) in enumerate(asked.items(), 1):
                verdicts = {rule: answer.result() for rule, answer in answers.items()}
                matrix.rows[mutant] = "".join(
                    verdicts.get(rule) or (UNKNOWN if rule not in base or reaches(base[rule], mutant) else UNREACHED)
                    for rule in matrix.rules)
                keep(matrix)
                unpaid -= costs[mutant]
                left = (time.monotonic() - started) * unpaid / max(sum(costs.values()) - unpaid, 0.001)
                killed = sum(letter in KILLS for letter in verdicts.values())
                say(f"{done}/{len(plan)} {mutant}: killed by {killed} of {len(answers)} rules; about {minutes(left)} left")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
