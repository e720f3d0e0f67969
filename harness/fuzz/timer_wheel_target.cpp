// The timer wheel against its oracle, which the unit tests drive at random.

#include "core/timer_wheel_model_test.hpp"
#include "harness/fuzz/input.hpp"
#include "harness/fuzz/target.hpp"

namespace reactorlab::fuzz {
namespace {

class AsTheInputSays {
 public:
  explicit AsTheInputSays(Input& input) noexcept : input_{&input} {}
  std::uint64_t number() noexcept { return input_->number(8); }
  std::uint64_t below(std::uint64_t limit) noexcept { return (limit <= 256 ? input_->byte() : number()) % limit; }

 private:
  Input* input_;
};

}  // namespace

void run(std::span<const std::uint8_t> bytes) {
  Input input{bytes};
  constexpr std::size_t sizes[] = {3, 16, 300};  // exact at every step; at its limit; crowds that cascade
  try {
    TimerWheelModel<AsTheInputSays> model{AsTheInputSays{input}, sizes[input.below(std::size(sizes))]};
    while (!input.empty()) model.step();
  } catch (const TimerWheelMismatch& mismatch) {
    fail(mismatch.what());
  }
}

}  // namespace reactorlab::fuzz
