"""In which order entries and workloads stand in every table and chart, and which cell speaks for a workload."""

import re

HOMES = ("thread_local", "arc_mutex", "oncelock_global", "dedicated_thread")
PEERS = ("raw_epoll", "raw_uring", "asio", "libuv", "libevent")
ENGINES = ("engine:tokio_current_thread", "engine:tokio_multi_thread", "engine:smol")
WORKLOADS = ("tcp_echo", "unix_echo", "udp_echo", "accept_churn", "await_chain", "spawn_join", "yield", "timer_insert_cancel", "timer_fire",
             "timeout_per_read", "cross_thread_wake", "post", "reg_churn", "cpu_mix", "cpu_balance", "skew", "one_bad_task",
             "idle_memory", "active_of_idle", "idle_cpu")

# Where a workload has several cells. scripts/counts counts the one of tcp_echo.
HEADLINES = {"tcp_echo": {"conns": 64, "payload": 64, "pipeline": 1}, "timer_insert_cancel": {"live": 1_000_000},
             "cpu_balance": {"work": 20}, "skew": {"skew_percent": 150},
             "idle_memory": {"conns": 8000}}


def _index(names, name):
    return names.index(name) if name in names else len(names)


def impl_of(label):
    """`arc_mutex` of `arc_mutex+fine@uring` and of `arc_mutex~held_lock`."""
    return re.split("[+~@#]", label)[0]


def series_place(label):
    """The sort key of an entry's label (`impl`, `impl+variant@backend` or `peer:shape`): homes, peers, each followed by its shapes, engines, then
    whoever else there is, by name."""
    impl = impl_of(label)
    if (peer := impl.partition(":")[0]) in PEERS:
        impl = peer
    return _index((*HOMES, *PEERS, *ENGINES), impl), label


def workload_place(workload):
    return _index(WORKLOADS, workload), workload


def headline(workload, candidates):
    """Of these parameter sets (dicts) the one nearest to the workload's headline; the first of equals."""
    wanted = HEADLINES.get(workload, {})
    return min(candidates, key=lambda params: (sum(params.get(name) != value for name, value in wanted.items()),
                                               sum(abs(params.get(name, 0) - value) for name, value in wanted.items())))
