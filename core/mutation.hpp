#pragma once
// Named faults for the conformance kit. `if (mutated(Mutant::x))` marks the one place where the runtime would be wrong; in the
// shipped flavour the condition is the constant false and nothing of it is compiled. The list is kept in step with
// harness/conformance/mutants/mutants.txt by scripts/check_spec.

#include <string_view>
#include <vector>

#include "core/flavour.hpp"

namespace reactorlab {

enum class Mutant {
  none,
  slot_handed_out_twice,
  registered_with_empty_interest,
  lock_held_across_wait,
  widen_dropped,
  kernel_registration_kept,
  edge_lost_without_waiter,
  failed_add_kept,
  failed_add_deregisters,
  directions_confused,
  widen_replaces_interest,
  setfl_drops_other_flags,
  removed_slot_leaks,
  failed_remove_leaks_slot,
  closed_before_deregistered,
  ready_overwritten_by_arm,
  disarm_keeps_waiter,
  wake_inside_lock,
  arming_forgets_other_direction,
  second_waiter_overwrites,
  one_waiter_per_edge,
  spurious_poll_parks_again,
  readiness_cleared_when_reported,
  oneshot_without_rearm,
  hangup_ignored,
  half_close_ends_writing,
  hangup_consumed,
  waiter_not_taken_on_wake,
  word_cleared_after_wake,
  first_poll_always_pending,
  short_read_always_drained,
  urgent_not_revisited,
  no_rearm_after_false_edge,
  second_poll_completes,
  timers_fire_on_empty_wait,
  sleep_completes_on_second_poll,
  stale_event_ends_batch,
  generation_ignored,
  remove_keeps_waiters,
  token_without_generation,
  waker_without_generation,
  wouldblock_surfaces,
  level_triggered,
  idle_wait_never_blocks,
  foreign_registration_accepted,
  kick_omitted,
  thread_slot_not_cleared,
  two_drivers_at_once,
  driver_role_not_handed_over,
  resume_instead_of_transfer,
  late_result_lost,
  block_on_waits_for_all,
  spawn_runs_inline,
  parked_task_polled_again,
  running_task_queued_again,
  wake_while_running_ignored,
  wakes_not_coalesced,
  detach_cancels,
  detached_result_leaked,
  abandoned_joiner_kept,
  join_done_before_frame_gone,
  exception_escapes,
  failed_run_stays_entered,
  cancel_only_marks,
  cancelled_task_runs_first,
  cancel_overrides_result,
  frame_destroyed_under_lock,
  nested_block_on_accepted,
  yield_keeps_its_turn,
  stolen_task_forgets_wakers,
  sigpipe_not_suppressed,
  connecting_is_connected,
  connect_result_unchecked,
  connecting_fd_leaked,
  first_attempt_omitted,
  accepted_without_flags,
  aborted_connection_ends_accepting,
  descriptor_shortage_waits,
  hangup_ends_reading,
  end_closes_both_directions,
  reset_taken_for_end,
  rest_of_short_write_dropped,
  shutdown_ends_reading,
  peek_counts_as_read,
  empty_datagram_is_an_end,
  error_taken_for_end,
  long_name_cut,
  failed_bind_leaks_fd,
  empty_read_waits,
  unfinished_frames_leaked,
  kick_fd_leaked,
  announced_too_late,
  second_look_omitted,
  kick_for_every_wake,
  queued_wake_unpublished,
  wake_resumes_inline,
  run_forgets_earlier_wakes,
  interrupted_wait_unannounced,
  all_workers_woken,
  task_queued_on_wakers_worker,
  timer_rounded_down,
  default_wait_limit,
  due_now_not_due,
  zero_sleep_completes_inline,
  due_deadline_waits_for_ever,
  wait_limit_overflows,
  wait_rounded_down,
  one_timer_per_deadline,
  later_ticks_fire_first,
  fired_timers_stay,
  earlier_timer_unannounced,
  reset_leaves_entry,
  cancelled_timers_stay,
  fired_survives_reset,
  first_waiter_kept,
  timers_dropped_when_many,
  eintr_repeats_full_wait,
  wall_clock_used,
  timer_polled_first,
  withdrawn_operation_left_parked,
  second_reactor_made,
  half_made_reactor_kept,
  shutdown_refuses_everybody,
  fallback_never_drives,
  other_options_accepted,
  options_unchecked,
  stop_overtakes_start,
  dead_reactor_unannounced,
  abandoned_timer_kept,
  reactors_wait_in_turns,
  dead_reactor_accepts_waiters,
  foreign_task_parks,
  registration_replaced,
  epoll_inherited,
  reactor_polled_only_when_idle,
  no_leaf_budget,
};

#if REACTORLAB_INSTRUMENTED
/// The fault switched on for this process; set once, before any runtime exists.
extern Mutant active_mutant;
/// No fault; the process notes which switches it comes to. What never comes to a switch can't tell whether it is on.
inline constexpr auto noting_switches = static_cast<Mutant>(-1);
void note_switch(Mutant mutant) noexcept;
std::vector<std::string_view> noted_switches();

inline bool mutated(Mutant mutant) noexcept {
  if (active_mutant == noting_switches) [[unlikely]]
    note_switch(mutant);
  return active_mutant == mutant;
}
/// The mutant of that name, or none.
Mutant mutant_by_name(std::string_view name) noexcept;
#else
constexpr bool mutated(Mutant) noexcept { return false; }
#endif

}  // namespace reactorlab
