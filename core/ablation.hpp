#pragma once
// Ablations: a home with one of its design choices changed, so that the choice's cost can be measured (decision 0028). Not for
// users. None is looked at on a message's path: a construction selects another poller, or a branch of what happens once per turn
// that blocks, per idle worker or per timer command.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace reactorlab {

enum class Ablation : std::uint8_t {
  none,
  held_lock,             ///< the driver waits with the reactor's mutex held; who finds it held ends the wait (coarse)
  registration_command,  ///< the waiting thread makes the calls of epoll_ctl, and others wait until it has
  no_batch_class,        ///< the reactor's own thread is scheduled like any other
  kick_per_command,      ///< every timer command kicks the reactor's own thread
  handoff_per_event,     ///< every event's wakes are handed to the workers by themselves
  level_triggered,       ///< sources are reported as long as they are ready
  oneshot,               ///< a source that was reported is armed again by a call of its own
  spin_then_park,        ///< a worker with nothing to do looks for work for a while before it sleeps
};

inline constexpr std::array all_ablations{Ablation::held_lock,        Ablation::registration_command, Ablation::no_batch_class,
                                          Ablation::kick_per_command, Ablation::handoff_per_event,    Ablation::level_triggered,
                                          Ablation::oneshot,          Ablation::spin_then_park};

/// `held_lock`: as on a command line.
constexpr std::string_view name_of(Ablation ablation) noexcept {
  switch (ablation) {
    case Ablation::none: return "none";
    case Ablation::held_lock: return "held_lock";
    case Ablation::registration_command: return "registration_command";
    case Ablation::no_batch_class: return "no_batch_class";
    case Ablation::kick_per_command: return "kick_per_command";
    case Ablation::handoff_per_event: return "handoff_per_event";
    case Ablation::level_triggered: return "level_triggered";
    case Ablation::oneshot: return "oneshot";
    case Ablation::spin_then_park: return "spin_then_park";
  }
  return "?";
}
constexpr std::optional<Ablation> ablation_named(std::string_view name) noexcept {
  for (const Ablation ablation : all_ablations) {
    if (name_of(ablation) == name) return ablation;
  }
  return std::nullopt;
}

/// Those that a home has.
class Ablations {
 public:
  constexpr Ablations() noexcept = default;
  constexpr Ablations(std::initializer_list<Ablation> all) noexcept {
    for (const Ablation ablation : all) bits_ |= 1U << static_cast<unsigned>(ablation);
  }
  constexpr bool has(Ablation ablation) const noexcept { return (bits_ >> static_cast<unsigned>(ablation)) & 1U; }

 private:
  unsigned bits_ = 0;
};

}  // namespace reactorlab
