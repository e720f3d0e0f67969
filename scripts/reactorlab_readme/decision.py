"""Which home? The reasons are the homes' own (impls/*/README.md), every figure and comparison in them is the run's: what the figures
don't say isn't claimed."""

ABSENT = "n/a"


def table(figures):
    rows = [
        ("one thread serves the load, or every core can have a runtime of its own (they share a port)", "thread_local", "thread_local",
         f"nothing is locked or atomic: {_instructions(figures, 'thread_local')}, spawn + join "
         f"{_nanoseconds(figures, 'spawn_join', 'thread_local')}. A task never leaves its thread; other threads may only wake, spawn and cancel"),
        ("tasks must run on any worker, runtimes and their handles come and go", "arc_mutex+fine", "arc_mutex --locking=fine",
         f"a handle works on every thread and keeps its reactor alive: {_instructions(figures, 'arc_mutex+fine')}, spawn + join "
         f"{_nanoseconds(figures, 'spawn_join', 'arc_mutex+fine')}. {_price_of_coarse(figures)}"),
        ("one reactor is to serve the whole process, with all its runtimes and libraries", "oncelock_global+fine",
         "oncelock_global --locking=fine",
         f"a handle carries a number, and idle workers of any runtime drive: {_instructions(figures, 'oncelock_global+fine')}. "
         "The first runtime decides the options for all, and the reactor is never freed"),
        ("tasks compute or block for long, and events and timers must be noticed meanwhile", "dedicated_thread", "dedicated_thread",
         f"its thread runs no task, so none delays it. Every event crosses threads: an echo costs {_ratios(figures, 'dedicated_thread')}, "
         "both threads counted")]
    lines = ["| if | then | because |", "|---|---|---|"]
    for question, entry, words, because in rows:
        if entry in figures.entries():
            lines.append(f"| {question} | [`{words}`](impls/{entry.partition('+')[0]}/) | {because} |")
    return "\n".join(lines) + "\n"


def _instructions(figures, entry):
    def value_of(home):
        return figures.counted(home, "instructions")
    value = value_of(entry)
    if value is None:
        return "instructions per message " + ABSENT
    least = ", the fewest" if figures.is_least(entry, value_of) else ""
    return f"{value:.0f} user instructions per message{least}"


def _nanoseconds(figures, workload, entry):
    value = figures.cost(workload, entry)
    if value is None:
        return ABSENT
    least = ", the least" if figures.is_least(entry, lambda home: figures.cost(workload, home)) else ""
    return f"{value:.0f} ns{least}"


def _ratios(figures, entry):
    ratio, alone = figures.ratio(entry), figures.ratio(entry, "echo_paced")
    if not ratio:
        return ABSENT
    words = f"{ratio['value']:.2f} times the hand-written loop's CPU"
    return words + (f", {alone['value']:.2f} times where each comes alone" if alone else "")


def _price_of_coarse(figures):
    coarse, fine = (figures.counted(entry, "instructions") for entry in ("arc_mutex", "arc_mutex+fine"))
    if None in (coarse, fine):
        return "`coarse` is the textbook's one mutex"
    return f"`coarse`, the textbook's one mutex, takes {abs(coarse - fine):.0f} {'more' if coarse >= fine else 'fewer'}"
