"""In which order entries and workloads stand in every table and chart, and which cell speaks for a workload."""

import re

HOMES = ("thread_local", "arc_mutex", "oncelock_global", "dedicated_thread")
PEERS = ("raw_epoll", "raw_uring", "asio", "libuv", "libevent")
ENGINES = ("engine:tokio_current_thread", "engine:tokio_multi_thread", "engine:smol")
WORKLOADS = ("tcp_echo", "echo_open", "echo_paced", "unix_echo", "udp_echo", "pipe_echo", "eventfd_pingpong", "socketpair_stream", "pipe_ring", "proxy",
             "fan_out", "fan_in", "oversubscribe", "accept_churn", "accept_balance", "cpu_mix", "cpu_balance", "skew",
             "one_bad_task", "hot_neighbour", "await_chain", "spawn_join", "yield", "channel_ping", "handle_acquire", "ready_hit",
             "park_wake_self", "waker_clone", "turn_k_of_n", "reg_churn", "register_contend", "register_while_parked",
             "cancel_storm", "fd_reuse", "start_stop", "timer_insert_cancel", "timer_fire", "timer_storm", "timer_contend",
             "deadline_move", "earlier_deadline_remote", "timeout_per_read", "lateness_under_io", "cross_thread_wake", "fd_wake",
             "post", "xwake_flood", "remote_spawn", "handoff_chain", "migrate", "herd", "two_runtimes", "idle_memory",
             "active_of_idle", "idle_cpu")

# Where a workload has several cells. scripts/counts counts the one of tcp_echo.
HEADLINES = {"tcp_echo": {"conns": 64, "payload": 64, "pipeline": 1}, "timer_insert_cancel": {"live": 1_000_000},
             "cpu_balance": {"work": 20}, "skew": {"skew_percent": 150}, "idle_memory": {"conns": 8000},
             "turn_k_of_n": {"ready": 64}, "pipe_ring": {"threads": 2}, "register_contend": {"threads": 2}, "handoff_chain": {"hops": 1},
             "register_while_parked": {"forwarded": 1}, "earlier_deadline_remote": {"forwarded": 1}}


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
