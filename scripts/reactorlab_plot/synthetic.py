"""Synthetic results in the format of `bench run`, schema 2, seeded: for the self-test and for looking at the charts."""

import json
import random
from statistics import median

from .model import CPU, RATE, verdict_words
from .stats import ratio_of_pairs, verdicts

MARGIN = 0.02
NUMBERS = ("ops", "wall_ns", "server_cpu_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "counts")
WALL, BYTES, P99 = "wall_ns_per_op", "user_bytes_per_op", "p99_ns"


def _echo(conns, payload, pipeline):
    return "tcp_echo", {"conns": conns, "payload": payload, "pipeline": pipeline}, CPU, (30_000 if conns == 1 else 3_400) / pipeline


CELLS = [  # workload, parameters, metric, what an operation costs the first entry; the headline first
    _echo(64, 64, 1), *(_echo(conns, payload, pipeline) for payload in (64, 16384) for pipeline in (1, 16) for conns in (1, 64, 1024)
                        if (conns, payload, pipeline) != (64, 64, 1)),
    ("accept_churn", {"conns": 16, "payload": 64}, CPU, 17_500.0), ("await_chain", {}, CPU, 9.0), ("spawn_join", {}, CPU, 17.0), ("yield", {"tasks": 64}, CPU, 5.1),
    ("timer_insert_cancel", {"live": 100}, CPU, 21.0), ("timer_insert_cancel", {"live": 1_000_000}, CPU, 24.0),
    ("timer_fire", {"timers": 10_000}, CPU, 140.0), ("cross_thread_wake", {}, WALL, 9_300.0), ("post", {"producers": 1}, CPU, 95.0),
    ("reg_churn", {}, CPU, 1_450.0), ("unix_echo", {"conns": 64, "payload": 64}, CPU, 2_900.0),
    ("udp_echo", {"conns": 64, "payload": 64}, CPU, 3_100.0), ("timeout_per_read", {"conns": 64, "payload": 64}, CPU, 3_600.0),
    ("cpu_mix", {"conns": 64, "payload": 64, "share": 50, "work": 20}, CPU, 13_000.0),
    ("cpu_balance", {"conns": 16, "payload": 64, "share": 50, "work": 20}, WALL, 8_000.0),
    ("skew", {"conns": 64, "payload": 64, "pipeline": 32, "skew_percent": 150, "work": 20}, WALL, 16_000.0),
    ("one_bad_task", {"conns": 50, "payload": 64, "rate": 20_000, "work": 5000}, P99, 60_000.0),
    ("echo_open", {"conns": 64, "payload": 64, "rate": 20_000}, P99, 60_000.0),
    ("echo_paced", {"conns": 64, "payload": 64, "rate": 20_000}, CPU, 12_000.0),
    ("active_of_idle", {"conns": 64, "idle": 4000, "payload": 64}, CPU, 3_500.0), ("idle_cpu", {"conns": 1000, "rate": 100}, CPU, 90_000.0),
    ("accept_balance", {"conns": 64, "rate": 2000}, CPU, 12_000.0), ("pipe_echo", {}, CPU, 1_900.0), ("eventfd_pingpong", {}, CPU, 1_700.0), ("socketpair_stream", {"message": 16384}, CPU, 6_000.0),
    ("pipe_ring", {"tasks": 16, "threads": 2, "tokens": 1}, WALL, 4_000.0), ("proxy", {"flows": 16, "threads": 2}, CPU, 5_000.0),
    ("fan_out", {"receivers": 64, "threads": 2}, CPU, 900.0), ("fan_in", {"senders": 64, "threads": 2}, CPU, 800.0),
    ("oversubscribe", {"tasks": 32, "threads": 8, "tokens": 8}, WALL, 2_500.0), ("hot_neighbour", {"neighbours": 4}, WALL, 9_000.0),
    ("channel_ping", {}, CPU, 60.0), ("handle_acquire", {}, CPU, 3.0), ("ready_hit", {}, CPU, 330.0), ("park_wake_self", {}, CPU, 1_100.0),
    ("waker_clone", {}, CPU, 12.0), ("turn_k_of_n", {"ready": 64, "registered": 1000}, CPU, 420.0),
    ("register_contend", {"threads": 2}, WALL, 700.0), ("register_while_parked", {"forwarded": 1}, WALL, 15_000.0),
    ("cancel_storm", {}, CPU, 300.0), ("fd_reuse", {}, CPU, 1_600.0), ("start_stop", {}, WALL, 120_000.0), ("timer_storm", {"timers": 10_000}, CPU, 110.0),
    ("timer_contend", {"live": 100, "threads": 2}, WALL, 14.0), ("deadline_move", {}, CPU, 25.0),
    ("earlier_deadline_remote", {"forwarded": 1}, WALL, 20_000.0), ("lateness_under_io", {"pairs": 8}, CPU, 1_800.0), ("fd_wake", {}, WALL, 11_000.0),
    ("xwake_flood", {"producers": 1}, CPU, 40.0), ("remote_spawn", {}, WALL, 13_000.0), ("handoff_chain", {"hops": 1, "threads": 2}, WALL, 8_000.0),
    ("migrate", {}, WALL, 10_000.0), ("herd", {"threads": 4}, CPU, 12_000.0), ("two_runtimes", {}, CPU, 2_000.0),
    ("idle_memory", {"conns": 8000}, BYTES, 210.0)]
IMPLS = [("raw_epoll", "", 1.0), ("thread_local", "", 1.005), ("arc_mutex", "coarse", 1.05), ("arc_mutex+fine", "fine", 1.02),
         ("oncelock_global", "coarse", 1.05), ("dedicated_thread", "", 1.12), ("asio", "", 1.28), ("libuv", "", 1.03),
         ("oncelock_global+fine", "fine", 0.95), ("tokio", "", 1.5)]
MISSING = {"raw_epoll": ("await_chain", "spawn_join", "yield", "timer_insert_cancel", "timer_fire", "post"), "libuv": ("await_chain", "spawn_join", "yield")}


def write(folder, impls, cells, rounds, seed=7, noise=0.03):
    """Writes the three files for `cells`, a number or a list out of CELLS. The last round's first sample of the last cell is void.
    Returns the rows of summary.json."""
    rng, samples = random.Random(seed), []
    chosen = CELLS[:cells] if isinstance(cells, int) else cells
    for cell in chosen:
        for round_ in range(rounds):
            for position in range(impls):
                samples.append(_sample(rng, IMPLS[(position + round_) % impls], 1 + 0.002 * round_, cell, round_, position, noise))
    samples[-impls].update(dict.fromkeys(NUMBERS), errors=3, void="3 errors")
    samples[-impls].pop("not_applicable", None)
    samples[0]["stalled"] = True
    rows = [row for cell in chosen for row in _judged([_row(samples, impl, cell) for impl in IMPLS[:impls]])]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    (folder / "summary.json").write_text(json.dumps({
        "schema": 2, "tier": "standard", "seed": seed, "partial": False, "rounds_planned": rounds, "equivalence_margin": MARGIN,
        "correction": "Holm, over the entries of a cell", "provenance": "0", "left_out": [], "rows": rows}, indent=1))
    (folder / "provenance.json").write_text(json.dumps({
        "machine": {"cpu_model": "Synthetic CPU", "cpus": 2, "kernel": "Synthetic 0.0", "hypervisor": "yes"},
        "started_at": "2000-01-01T00:00:00Z", "build": {"commit": "0" * 40, "compiler": "none", "flags": "-O9"}, "seed": seed,
        "command_line": ["bench", "run", "--impl=all"]}))
    return rows


def _sample(rng, entry, drift, cell, round_, position, noise):
    (impl, locking, cost), (workload, params, metric, base) = entry, cell
    sample = {"schema": 2, "impl": impl, "backend": "epoll", "locking": locking, "workers": 1, "workload": workload, "params": params,
              "round": round_, "position": position, "errors": 0, "verified": True, "provenance": "0"}
    if workload in MISSING.get(impl, ()):
        return {**sample, **dict.fromkeys(NUMBERS), "verified": False, "not_applicable": f"{impl} has no {workload}"}
    if workload not in ("tcp_echo", "accept_churn"):
        cost **= 5
    measured = base * cost * drift * rng.lognormvariate(0, noise)
    cpu = measured if metric == CPU else 40.0 * base
    wall = measured if metric == WALL else cpu * rng.lognormvariate(0.1, noise)
    ops = max(8000, int(5e8 / wall))
    p50 = wall * params.get("conns", 1) * params.get("pipeline", 1)
    tail = [p50, *(p50 * factor * rng.lognormvariate(0, 0.15) for factor in (1.4, 2.2, 5, 20))]
    timed = workload in ("tcp_echo", "accept_churn", "timer_fire", "cross_thread_wake") or metric == P99
    return {**sample, "ops": ops, "wall_ns": int(wall * ops), "server_cpu_ns": int(cpu * ops),
            **dict(zip(("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"), map(int, tail) if timed else [None] * 5)),
            "counts": {"user_bytes": measured} if metric == BYTES else {}}


def _row(samples, entry, cell):
    (impl, locking, _), (workload, params, metric, _) = entry, cell
    here = [s for s in samples if s["workload"] == workload and s["params"] == params]
    own = [s for s in here if s["impl"] == impl]
    sound = {s["impl"] for s in here if s["ops"] is not None}
    baseline = next((name for name in ("raw_epoll", "thread_local") if name in sound), None)

    def by_round(of, name):
        return {s["round"]: value for s in here if s["impl"] == of and s["ops"] and (value := _value(s, name)) is not None}

    def ratio(name):
        mine, base = by_round(impl, name), by_round(baseline, name)
        pairs = [(mine[r], base[r]) for r in mine if r in base]
        found = ratio_of_pairs(pairs)
        if impl == baseline or not found:
            return None
        return {"baseline": baseline, "value": found.value, "low": found.low, "high": found.high, "rounds": found.rounds,
                "confidence": None, "detectable": 1.031, "rounds_needed": None, "pairs": pairs}

    def spread(name):
        values = by_round(impl, name).values()
        return {"median": median(values), "min": min(values), "max": max(values)} if values else None

    return {"workload": workload, "params": params, "impl": impl, "backend": "epoll", "locking": locking, "workers": 1,
            "rounds": sum(s["ops"] is not None for s in own), "voids": sum("void" in s for s in own), "stalled": 0,
            "not_applicable": next((s["not_applicable"] for s in own if "not_applicable" in s), None), "metric": metric,
            "unit": "B" if metric == BYTES else "ns", "operation": "message" if workload == "tcp_echo" else "operation",
            "value": spread(metric), "ratio": ratio(metric),
            **{name: spread(name) for name in (CPU, RATE, "p50_ns", "p99_ns")},
            "ratios": {name: ratio(name) for name in (CPU, RATE, "p50_ns", "p99_ns")}}


def _judged(rows):
    """The rows of a cell with their verdicts, which they have only together."""
    for name in (rows[0]["metric"], CPU, RATE, "p50_ns", "p99_ns"):
        ratios = {}
        for row in rows:
            own = [row["ratios"].get(name), row["ratio"] if name == row["metric"] else None]
            ratios[row["impl"]] = [ratio for ratio in own if ratio and "pairs" in ratio]
        found = verdicts({impl: own[0].pop("pairs") for impl, own in ratios.items() if own}, MARGIN)
        for impl, own in ratios.items():
            for ratio in own:
                ratio.pop("pairs", None)
                ratio["verdict"] = verdict_words(name).get(found[impl], found[impl])
    for row in rows:
        row["verdict"] = row["ratio"] and row["ratio"]["verdict"]
    return rows


def _value(sample, metric):
    per_op = {CPU: "server_cpu_ns", WALL: "wall_ns"}
    if metric in per_op:
        return sample[per_op[metric]] / sample["ops"]
    if metric == RATE:
        return sample["ops"] * 1e9 / sample["wall_ns"]
    return sample["counts"].get("user_bytes") if metric == BYTES else sample[metric]
