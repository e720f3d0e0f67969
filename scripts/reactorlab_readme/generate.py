"""The generated parts of README.md, from the files of a results folder."""

import re
import shlex

from . import decision
from .figures import Figures, Refused, load_counts, load_summary, read

BLOCK = re.compile(r"(<!-- generated:(\w+) -->\n)(.*?)(<!-- end:\2 -->)", re.S)
PLACEMENT = {  # who can reach the reactor, who drives it
    "thread_local": ("a thread-local pointer", "its only thread"), "arc_mutex": ("a `shared_ptr` in every handle", "an idle worker"),
    "oncelock_global": ("a static", "an idle worker of any runtime"),
    "dedicated_thread": ("a `shared_ptr` in every handle", "a thread of its own"),
    "raw_epoll": ("no runtime: the floor", "its only thread"), "raw_uring": ("no runtime: the floor of io_uring", "its only thread"),
    "asio": ("an `io_context&`", "who calls `run()`"),
    "libuv": ("a `uv_loop_t*`", "who calls `uv_run()`"), "libevent": ("an `event_base*`", "who calls `event_base_dispatch()`"),
    "raw_epoll:shared": ("no runtime", "every worker"), "asio:per_thread": ("an `io_context&`", "its only thread"),
    "asio:shared": ("an `io_context&`", "every worker"), "asio:dedicated": ("an `io_context&`", "a thread of its own"),
    "asio:uring": ("an `io_context&`", "who calls `run()`"), "libuv:per_thread": ("a `uv_loop_t*`", "its only thread"),
    "libuv:dedicated": ("a `uv_loop_t*`", "a thread of its own")}
ECHOES = {"tcp_echo": "CPU ratio", "echo_paced": "CPU ratio, alone"}  # a message among others, and one by itself
COLUMNS = {"spawn_join": "spawn + join", "yield": "yield", "timer_insert_cancel": "timer create + cancel",
           "cross_thread_wake": "wake, round trip", "idle_memory": "idle connection"}


def costs(figures):
    echoes = [workload for workload in ECHOES if figures.parameters(workload)]
    head, columns = ["", "reach", "driver", "instructions", *(f"{ECHOES[workload]} [95 %]" for workload in echoes)], []
    for workload, title in COLUMNS.items():
        unit, texts = figures.column(workload)
        if unit is None:
            continue  # not in this run
        head.append(f"{title}, {unit}")
        columns.append(texts)
    marks = ["---", "---", "---", "--:"] + ["---"] * len(echoes) + ["--:"] * len(columns)
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(marks) + "|"]
    for entry in figures.entries():
        impl, _, variant = entry.partition("+")
        reach, driver = ("the same", "the same") if variant else PLACEMENT.get(impl, ("n/a", "n/a"))
        lines.append("| " + " | ".join([f"[`{entry}`](impls/{impl.partition(':')[0]}/)", reach, driver, _count(figures.counted(entry, "instructions")),
                                        *(_ratio(figures, entry, workload) for workload in echoes),
                                        *(texts[entry] for texts in columns)]) + " |")
    return "\n".join([*lines, "", _legend(figures)]) + "\n"


def _legend(figures):
    """Which cells the columns are."""
    cells = [f"{title}: {words}" for workload, title in COLUMNS.items() if (words := figures.parameters(workload))]
    alone = f", as fast as can be; alone: at a fixed rate, {words}" if (words := figures.parameters("echo_paced")) else ""
    return (f"User instructions and the ratio of server CPU to `raw_epoll`'s are per message of an echo ({figures.parameters('tcp_echo')}{alone}). "
            + (f"{'; '.join(cells)}. " if cells else "") + "One worker. n/a: that design has no such thing, or it wasn't counted.")


def _ratio(figures, entry, workload):
    ratio = figures.ratio(entry, workload)
    if not ratio:
        return "n/a" if figures.cost(workload, entry) is None else "baseline"
    interval = f"{ratio['low']:.3f}, {ratio['high']:.3f}" if ratio["low"] is not None else f"n/a: {ratio['rounds']} rounds"
    return f"{ratio['value']:.3f} [{interval}] {ratio['verdict']}"


def _count(value):
    # + 0.0: a difference of two runs may come out as -0.2, and "-0" says nothing.
    return "n/a" if value is None else f"{round(value) + 0.0:.0f}"


def chart(place):
    return f"[![what each home costs, a panel per workload]({place}/charts/summary.svg)]({place}/README.md)\n"


def run(place, provenance, summary):
    machine, build = provenance["machine"], provenance["build"]
    modified = f", {build['modified_files']} files modified" if build.get("modified_files") else ""
    applicable = [row for row in summary["rows"] if not row["not_applicable"]]
    facts = {
        "run": f"[{place}]({place}/README.md), {provenance['started_at']}, commit {str(build['commit'])[:12]}{modified}",
        "machine": f"{machine['cpu_model']}, {machine['cpus']} CPUs, hypervisor: {machine['hypervisor']}",
        "kernel": f"{machine['kernel']}; parameters: {machine.get('kernel_parameters', 'n/a')}",
        "compiler": f"{build['compiler']}, {build['flags']}",
        "rounds": f"{summary['rounds_planned']}, interleaved; seed {summary['seed']}",
        "samples": f"{sum(row['rounds'] + row['voids'] for row in applicable)}, of them void: {sum(row['voids'] for row in applicable)}, "
                   f"stalled: {sum(row['stalled'] for row in applicable)}",
        "command": f"`{shlex.join(provenance['command_line'])}`"}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in facts.items())]) + "\n"


def blocks(root, results, counts_file):
    place = results.resolve().relative_to(root.resolve()).as_posix()
    summary = load_summary(results)
    if not (results / "charts/summary.svg").exists():
        raise Refused(f"{results} has no charts/summary.svg; remedy: scripts/plot {results}")
    figures = Figures(summary, load_counts(counts_file or results / "counts.json", required=counts_file is not None))
    provenance = read(results / "provenance.json", "name a folder with a finished run of ./bench")
    return {"decision": decision.table(figures), "costs": costs(figures), "chart": chart(place), "run": run(place, provenance, summary)}


def generate(root, text, results, counts_file=None):
    """README's text with every block rewritten."""
    found = [match[2] for match in BLOCK.finditer(text)]
    content = blocks(root, results, counts_file)
    if sorted(found) != sorted(content):
        raise Refused(f"README.md has the generated parts {found}; each of {list(content)} is needed, once")
    return BLOCK.sub(lambda match: match[1] + content[match[2]] + match[4], text)
