// Slab and tokens against a map of what is live: whatever the order of inserts and removals, a token leads to its own life only,
// slots come back first in, first out, and memory that is recycled goes on counting lives.

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>
#include <vector>

#include "core/slab.hpp"
#include "harness/fuzz/input.hpp"
#include "harness/fuzz/target.hpp"

namespace reactorlab::fuzz {
namespace {

class SlabModel {
 public:
  ~SlabModel() {
    for (const auto& [token, life] : live_) slab_->remove(*life.slot);
    slab_.reset();
    for (Registration* const slot : held_) Slab::surrender(*slot);
  }

  void step(Input& input) {
    switch (input.below(8)) {
      case 0:
      case 1:
      case 2: insert(static_cast<int>(input.byte())); break;
      case 3:
      case 4:
        if (!live_.empty()) remove(std::next(live_.begin(), static_cast<std::ptrdiff_t>(input.below(live_.size()))));
        break;
      case 5:
        for (std::size_t n = input.byte(); n != 0; --n) insert(static_cast<int>(n));
        break;
      case 6:
        for (std::size_t n = input.byte(); n != 0 && !live_.empty(); --n) remove(live_.begin());
        break;
      case 7: renew(input); break;
    }
    check_token(input);
  }

  /// At the end: everything, the long way round.
  void check_all() {
    std::size_t seen = 0;
    slab_->for_each_live([&](Registration& slot) {
      ++seen;
      const auto life = live_.find(slab_->token_of(slot));
      demand(life != live_.end() && life->second.slot == &slot, "a slot is live that nobody holds");
      demand(slot.fd.load() == life->second.fd, "a live slot has another's descriptor");
    });
    demand(seen == live_.size(), "a live slot isn't visited");
    for (const Token token : dead_) demand(!resolves(token), "a stale token resolves");
  }

 private:
  struct Life {
    Registration* slot;
    int fd;
  };

  bool resolves(Token token) const {
    if (!slab_->issued(token)) return false;
    const std::uint64_t word = slab_->slot_at(token).words[0].load();
    return readiness::same_life(word, token) && (word & readiness::closed) == 0;
  }

  void insert(int fd) {
    if (live_.size() + held_.size() >= most_live) return;
    Registration* const slot = slab_->insert(fd);
    demand(slot != nullptr, "no slot");
    const Token token = slab_->token_of(*slot);
    demand(slab_->owns(*slot) && slab_->issued(token) && &slab_->slot_at(token) == slot, "a token that doesn't lead to its slot");
    demand(slots_.insert(slot).second, "a slot handed out twice");
    demand(live_.emplace(token, Life{slot, fd}).second && !dead_.contains(token), "a token issued twice");
    if (free_.empty()) {
      demand(slot > newest_fresh_, "a fresh slot although none was needed, or out of order");
      newest_fresh_ = slot;
    } else {
      demand(slot == free_.front(), "free slots aren't reused first in, first out");
      free_.pop_front();
    }
    for (const auto& word : slot->words) demand(word.load() == (token & readiness::generation_mask), "a new slot isn't empty");
    demand(slot->interest.load() == Interest::none && slot->kind == SourceKind::descriptor && !slot->completes && !slot->more,
           "a new slot remembers its former life");
    demand(slab_->live() == live_.size(), "live slots miscounted");
    park_and_wake(*slot, token);
  }

  /// As an edge for an older life: only a word of the very same life is touched.
  void park_and_wake(Registration& slot, Token token) {
    const Token former = token - (std::uint64_t{1} << 32);
    readiness::edge<Access::plain>(slot.words[0], former, false, false);
    demand(slot.words[0].load() == (token & readiness::generation_mask), "an edge of a former life arrived in this one");
    readiness::edge<Access::plain>(slot.words[0], token, false, false);
    demand(slot.words[0].load() == ((token & readiness::generation_mask) | readiness::ready), "an edge got lost");
  }

  void remove(std::map<Token, Life>::iterator it) {
    Registration& slot = *it->second.slot;
    slab_->remove(slot);
    demand(slot.fd.load() == -1 && (slot.words[0].load() & slot.words[1].load() & readiness::closed),
           "a removed slot isn't closed");
    remember_dead(it->first);
    free_.push_back(&slot);
    slots_.erase(&slot);
    live_.erase(it);
    demand(slab_->live() == live_.size(), "live slots miscounted");
  }

  /// The slab goes, with handles left or not; the next one may get its memory. Slots that are held stay readable until given up.
  void renew(Input& input) {
    const std::size_t room = input.byte() % 2 == 0 ? most_held - held_.size() : 0;
    while (live_.size() > room) remove(live_.begin());
    for (const auto& [token, life] : live_) {
      held_.push_back(life.slot);
      remember_dead(token);
    }
    live_.clear();
    slots_.clear();
    const std::byte* const base = slab_->base();
    slab_ = nullptr;
    std::vector<std::uint64_t> words;
    for (const Registration* const slot : held_) words.push_back(slot->words[0].load());
    slab_ = std::make_unique<Slab>();
    for (std::size_t i = 0; i < held_.size(); ++i) {
      demand(!slab_->owns(*held_[i]), "memory that a handle holds was given to another slab");
      demand(held_[i]->words[0].load() == words[i], "a held slot was written to");
    }
    free_.clear();
    newest_fresh_ = nullptr;
    if (slab_->base() != base) dead_.clear();  // another range's tokens mean other slots
    for (; !held_.empty() && input.byte() % 2 == 0; held_.pop_back()) Slab::surrender(*held_.back());
  }

  void remember_dead(Token token) {
    if (dead_.size() < most_dead) dead_.insert(token);
  }

  /// One stale token and one that is made up.
  void check_token(Input& input) {
    if (!dead_.empty()) {
      const auto it = std::next(dead_.begin(), static_cast<std::ptrdiff_t>(input.below(dead_.size())));
      demand(!resolves(*it), "a stale token resolves");
    }
    const Token made_up = input.number(2) << 32 | input.number(2);
    demand(!resolves(made_up) || live_.contains(made_up), "a token that was never issued resolves");
  }

  static constexpr std::size_t most_live = 5'000, most_held = 8, most_dead = 4'000;

  std::unique_ptr<Slab> slab_ = std::make_unique<Slab>();
  std::map<Token, Life> live_;
  std::unordered_set<const Registration*> slots_;  // of live_
  std::deque<Registration*> free_;
  Registration* newest_fresh_ = nullptr;
  std::set<Token> dead_;
  std::vector<Registration*> held_;
};

}  // namespace

void run(std::span<const std::uint8_t> bytes) {
  Input input{bytes};
  SlabModel model;
  while (!input.empty()) model.step(input);
  model.check_all();
}

}  // namespace reactorlab::fuzz
