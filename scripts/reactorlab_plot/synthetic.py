"""Synthetic results in the format of `bench run`, seeded: for the self-test and for looking at the charts."""

import json
import random
from statistics import median

from .stats import ratio_of_pairs

MARGIN = 0.02
NUMBERS = ("ops", "wall_ns", "server_cpu_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")
SHAPES = [(64, 64, 1), (1, 64, 1), (1024, 64, 1), (1, 16384, 1), (64, 16384, 1), (1024, 16384, 1),
          (1, 64, 16), (64, 64, 16), (1024, 64, 16), (1, 16384, 16), (64, 16384, 16), (1024, 16384, 16)]
IMPLS = [("raw_epoll", "", 1.0), ("thread_local", "", 1.005), ("arc_mutex", "coarse", 1.05), ("arc_mutex+fine", "fine", 1.02),
         ("oncelock_global", "coarse", 1.05), ("dedicated_thread", "", 1.12), ("asio", "", 1.08), ("libuv", "", 1.03),
         ("tokio", "", 1.09), ("smol", "", 1.4)]


def write(folder, impls, cells, rounds, seed=7, noise=0.03):
    """Writes the three files; the last round's first sample is void. Returns the rows of summary.json."""
    rng, samples = random.Random(seed), []
    for conns, payload, pipeline in SHAPES[:cells]:
        for round_ in range(rounds):
            drift = 1 + 0.002 * round_
            for position in range(impls):
                impl, locking, cost = IMPLS[(position + round_) % impls]
                samples.append(_sample(rng, impl, locking, cost * drift, (conns, payload, pipeline), round_, position, noise))
    samples[-impls].update(dict.fromkeys(NUMBERS), errors=3, void="3 errors")
    samples[0]["stalled"] = True
    rows = [_row(samples, impl, locking, shape) for shape in SHAPES[:cells] for impl, locking, _ in IMPLS[:impls]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    (folder / "summary.json").write_text(json.dumps({"schema": 1, "equivalence_margin": MARGIN, "rows": rows}, indent=1))
    (folder / "provenance.json").write_text(json.dumps({
        "machine": {"cpu_model": "Synthetic CPU", "cpus": 2, "kernel": "Synthetic 0.0"}, "started_at": "2000-01-01T00:00:00Z",
        "build": {"commit": "0" * 40, "compiler": "none"}, "seed": seed, "command_line": ["bench", "run", "--impl=all"]}))
    return rows


def _sample(rng, impl, locking, cost, shape, round_, position, noise):
    conns, payload, pipeline = shape
    cpu = (30_000 if conns == 1 else 3_400) / pipeline * (1 + payload / 30_000) * cost * rng.lognormvariate(0, noise)
    wall = cpu * rng.lognormvariate(0.1, noise)
    ops = int(5e8 / wall)
    p50 = wall * conns * pipeline
    tail = [p50 * factor * rng.lognormvariate(0, 0.15) for factor in (1.4, 2.2, 5, 20)]
    return {"schema": 1, "impl": impl, "backend": "epoll", "locking": locking, "workers": 1, "workload": "tcp_echo",
            "params": {"conns": conns, "payload": payload, "pipeline": pipeline}, "round": round_, "position": position,
            "ops": ops, "errors": 0, "verified": True, "wall_ns": int(wall * ops), "server_cpu_ns": int(cpu * ops),
            **dict(zip(("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"), map(int, [p50, *tail]))), "counts": {}, "provenance": "0"}


def _row(samples, impl, locking, shape):
    def by_round(of, value):
        return {s["round"]: value(s) for s in samples if s["impl"] == of and tuple(s["params"].values()) == shape and not s.get("void")}

    def ratio(value, lower_is_faster):
        own, base = by_round(impl, value), by_round(IMPLS[0][0], value)
        pairs = ratio_of_pairs([(own[r], base[r]) for r in own if r in base])
        return {"baseline": IMPLS[0][0], "value": pairs.value, "low": pairs.low, "high": pairs.high, "rounds": pairs.rounds,
                "verdict": _verdict(pairs, lower_is_faster)}

    cpu = by_round(impl, lambda s: s["server_cpu_ns"] / s["ops"])
    compared = impl != IMPLS[0][0]
    return {"workload": "tcp_echo", "params": dict(zip(("conns", "payload", "pipeline"), shape)), "impl": impl, "backend": "epoll",
            "locking": locking, "workers": 1, "rounds": len(cpu),
            "server_cpu_ns_per_op": {"median": median(cpu.values()), "min": min(cpu.values()), "max": max(cpu.values())},
            "ratio": ratio(lambda s: s["server_cpu_ns"] / s["ops"], True) if compared else None,
            "ratios": {"ops_per_s": ratio(lambda s: s["ops"] * 1e9 / s["wall_ns"], False) if compared else None}}


def _verdict(ratio, lower_is_faster):
    if ratio.low is None:
        return "inconclusive"
    if 1 - MARGIN <= ratio.low and ratio.high <= 1 + MARGIN:
        return "equivalent"
    smaller = ratio.high < 1 and ratio.value < 1 - MARGIN
    greater = ratio.low > 1 and ratio.value > 1 + MARGIN
    if not smaller and not greater:
        return "inconclusive"
    return "faster" if smaller == lower_is_faster else "slower"
