"""The generated parts of README.md, from the files of a results folder."""

import json
import re
import shlex

HEADLINE = {"conns": 64, "payload": 64, "pipeline": 1}  # the cell of the cost table, and the one scripts/counts counts
ORDER = ("raw_epoll", "thread_local", "arc_mutex", "oncelock_global", "dedicated_thread")
BLOCK = re.compile(r"(<!-- generated:(\w+) -->\n)(.*?)(<!-- end:\2 -->)", re.S)


class Refused(Exception):
    """Why nothing is generated; the text names cause and remedy."""


# --- reading -----------------------------------------------------------------------------------------------------------------

def read(path, remedy):
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}; remedy: {remedy}") from None
    except ValueError as error:
        raise Refused(f"{path} is not JSON ({error}); remedy: {remedy}") from None


def load_summary(results):
    summary = read(results / "summary.json", "name a folder with a finished run of ./bench")
    if summary["partial"]:
        raise Refused(f"{results}: the run was interrupted, so it isn't published; remedy: let ./bench finish, with a new --out")
    return summary


def headline_rows(summary):
    """The rows of the headline cell with one worker, the baseline first, then the homes, then the others by name."""
    def place(row):
        impl = row["impl"].partition("+")[0]
        return ORDER.index(impl) if impl in ORDER else len(ORDER), row["impl"]
    rows = [row for row in summary["rows"]
            if row["workload"] == "tcp_echo" and row["params"] == HEADLINE and row["workers"] == 1]
    if not rows:
        raise Refused(f"summary.json has no tcp_echo with {HEADLINE} and one worker; remedy: run ./bench --tier=standard")
    return sorted(rows, key=place)


def load_counts(path, required):
    """{row label: costs}; empty if there is no file and none was named."""
    if not path.exists() and not required:
        return {}
    counts = read(path, "make it with scripts/counts --json FILE")
    if counts["params"] != HEADLINE or counts["workers"] != 1:
        raise Refused(f"{path} counts {counts['params']} with {counts['workers']} workers, the table needs {HEADLINE} with one; "
                      "remedy: run scripts/counts without --conns, --payload and --workers")
    return {row["server"]: row for row in counts["rows"]}


# --- the blocks --------------------------------------------------------------------------------------------------------------

def costs(rows, counts):
    head = "| | CPU µs per message | ratio to the loop [95 %] | verdict | user instructions | system calls | allocations |"
    lines = [head, "|---|--:|---|---|--:|--:|--:|"]
    for row in rows:
        impl = row["impl"].partition("+")[0]
        counted = counts.get(row["impl"], {})
        lines.append("| " + " | ".join([
            f"[`{row['impl']}`](impls/{impl}/)", cpu_text(row), ratio_text(row["ratio"]), row["verdict"] or "",
            figure(counted.get("instructions"), 0), figure(counted.get("syscalls"), 2), figure(allocations(counted), 2)]) + " |")
    return "\n".join(lines) + "\n"


def cpu_text(row):
    cpu = row["server_cpu_ns_per_op"]
    return f"{cpu['median'] / 1e3:.2f}" if cpu else "n/a"


def ratio_text(ratio):
    if not ratio:
        return "baseline"
    interval = f"{ratio['low']:.3f}, {ratio['high']:.3f}" if ratio["low"] is not None else f"n/a: {ratio['rounds']} rounds"
    return f"{ratio['value']:.3f} [{interval}]"


def allocations(counted):
    """Calls of the malloc family and mappings together; None where either wasn't measured."""
    parts = [counted.get("allocations"), counted.get("mappings")]
    return None if None in parts else sum(parts)


def figure(value, digits):
    # + 0.0: a difference of two runs may come out as -0.0002, and "-0.00" says nothing.
    return "n/a" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def chart(place):
    return f"[![ratios to the hand-written loop, with intervals]({place}/charts/summary.svg)]({place}/README.md)\n"


def run(place, provenance, summary):
    machine, build = provenance["machine"], provenance["build"]
    modified = f", {build['modified_files']} files modified" if build.get("modified_files") else ""
    facts = {
        "run": f"[{place}]({place}/README.md), {provenance['started_at']}, commit {str(build['commit'])[:12]}{modified}",
        "machine": f"{machine['cpu_model']}, {machine['cpus']} CPUs, hypervisor: {machine['hypervisor']}",
        "kernel": f"{machine['kernel']}; parameters: {machine.get('kernel_parameters', 'n/a')}",
        "compiler": f"{build['compiler']}, {build['flags']}",
        "rounds": f"{summary['rounds_planned']}, interleaved; seed {summary['seed']}",
        "samples": f"{sum(row['rounds'] + row['voids'] for row in summary['rows'])}, of them void: {sum(row['voids'] for row in summary['rows'])}",
        "command": f"`{shlex.join(provenance['command_line'])}`"}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in facts.items())]) + "\n"


def blocks(root, results, counts_file):
    place = results.resolve().relative_to(root.resolve()).as_posix()
    if not (results / "charts/summary.svg").exists():
        raise Refused(f"{results} has no charts/summary.svg; remedy: scripts/plot {results}")
    summary = load_summary(results)
    counts = load_counts(counts_file or results / "counts.json", required=counts_file is not None)
    provenance = read(results / "provenance.json", "name a folder with a finished run of ./bench")
    return {"chart": chart(place), "costs": costs(headline_rows(summary), counts), "run": run(place, provenance, summary)}


def generate(root, text, results, counts_file=None):
    """README's text with every block rewritten."""
    found = [match[2] for match in BLOCK.finditer(text)]
    content = blocks(root, results, counts_file)
    if sorted(found) != sorted(content):
        raise Refused(f"README.md has the generated parts {found}; each of {list(content)} is needed, once")
    return BLOCK.sub(lambda match: match[1] + content[match[2]] + match[4], text)
