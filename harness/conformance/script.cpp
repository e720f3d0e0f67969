#include "harness/conformance/script.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/conformance/black_box.hpp"

namespace reactorlab::conformance {

Script::Script(std::initializer_list<sys::Op> logged) : logged_{logged} {
  need_seam("scripted system calls");
  KernelTap::instance().install(*this);
}
Script::~Script() { KernelTap::instance().remove(*this); }

// --- answers ------------------------------------------------------------------------------------------------------------------

void Script::answer(sys::Op op, int fd, long result, unsigned first, unsigned times) {
  on(
      op, fd, [result](sys::Call&) { return std::optional{result}; }, first, times);
}

void Script::limit(sys::Op op, int fd, std::size_t size, unsigned times) {
  const auto lower = [size](sys::Call& call) {
    call.size = std::min(call.size, size);
    return std::optional<long>{};
  };
  on(op, fd, lower, 1, times);
}

void Script::on(sys::Op op, int fd, Rule rule, unsigned first, unsigned times) {
  std::lock_guard lock{mutex_};
  entries_.push_back(std::make_shared<Entry>(Entry{op, fd, std::move(rule), first - 1, times}));
}

void Script::let_through() {
  std::unique_lock lock{mutex_};
  entries_.clear();
  quiet_.wait(lock, [&] { return running_ == 0; });
}

int Script::subject(const sys::Call& call) noexcept {
  return call.op == sys::Op::epoll_ctl ? static_cast<int>(call.extra) : call.fd;
}

/// The first rule that answers; all that match are counted and asked in the order in which they were made.
std::optional<long> Script::answer_of(sys::Call& call) {
  std::vector<std::shared_ptr<Entry>> due;
  {
    std::lock_guard lock{mutex_};
    for (const auto& entry : entries_) {
      if (entry->op != call.op || (entry->fd != any_fd && entry->fd != subject(call))) continue;
      if (entry->skip != 0) {
        --entry->skip;
      } else if (entry->left != 0) {
        if (entry->left != forever) --entry->left;
        due.push_back(entry);
      }
    }
    if (due.empty()) return std::nullopt;
    ++running_;
  }
  std::optional<long> result;
  for (auto entry = due.begin(); entry != due.end() && !result; ++entry) result = (*entry)->rule(call);
  std::lock_guard lock{mutex_};
  --running_;
  quiet_.notify_all();
  return result;
}

// --- rings --------------------------------------------------------------------------------------------------------------------

void Script::on_kind(sys::Op op, RingRequest kind, Rule rule, unsigned first, unsigned times) {
  // Only those of that kind count.
  auto seen = std::make_shared<std::atomic<unsigned>>(0);
  on(op, any_fd, [=, rule = std::move(rule), seen = std::move(seen)](sys::Call& call) -> std::optional<long> {
    if (call.extra != static_cast<long>(kind)) return std::nullopt;
    const unsigned before = seen->fetch_add(1);
    return before >= first - 1 && (times == forever || before - (first - 1) < times) ? rule(call) : std::nullopt;
  });
}

void Script::refuse(RingRequest kind, unsigned first, unsigned times) {
  on_kind(
      sys::Op::ring_submission, kind, [](sys::Call&) { return std::optional<long>{-EBUSY}; }, first, times);
}

void Script::alter(RingRequest kind, Change change, unsigned first, unsigned times) {
  const auto alter_it = [change = std::move(change)](sys::Call& call) {
    change(*static_cast<io_uring_cqe*>(call.data));
    return std::optional<long>{};
  };
  on_kind(sys::Op::ring_completion, kind, alter_it, first, times);
}

void Script::hold_back(RingRequest kind, Token source) {
  holding_[index_of(kind)] = true;
  held_[index_of(kind)] = false;
  const auto hold = [this, source, index = index_of(kind)](sys::Call& call) -> std::optional<long> {
    const std::uint64_t name = name_in(static_cast<const io_uring_cqe*>(call.data)->user_data);
    if (!holding_[index] || (source != no_token && source != name)) return std::nullopt;
    held_[index] = true;
    return -EAGAIN;
  };
  on_kind(sys::Op::ring_completion, kind, hold, 1, forever);
}

void Script::release(RingRequest kind) {
  holding_[index_of(kind)] = false;
  KernelTap::instance().ring();
}

// --- the log ------------------------------------------------------------------------------------------------------------------

void Script::remember(const sys::Call& call, long result) {
  std::lock_guard lock{mutex_};
  Event event{};
  if (call.op == sys::Op::epoll_ctl && call.data) std::memcpy(&event, call.data, sizeof event);
  if (call.op == sys::Op::epoll_ctl && call.command != EPOLL_CTL_DEL && result == 0) {
    known_[subject(call)] = {call.fd, event.token};
  }
  if (!logged_.contains(call.op)) return;
  LoggedCall entry{call.op, subject(call), call.command, event, result, {}, std::this_thread::get_id()};
  if (call.op == sys::Op::epoll_wait && result > 0) {
    entry.events.resize(static_cast<std::size_t>(result));
    std::memcpy(static_cast<void*>(entry.events.data()), call.data, entry.events.size() * sizeof(Event));
  }
  log_.push_back(std::move(entry));
}

std::vector<LoggedCall> Script::log() const {
  std::lock_guard lock{mutex_};
  return log_;
}

std::vector<LoggedCall> Script::log_of(sys::Op op) const {
  auto all = log();
  std::erase_if(all, [&](const LoggedCall& call) { return call.op != op; });
  return all;
}

std::vector<LoggedCall> Script::log_of(sys::Op op, int fd) const {
  auto all = log_of(op);
  std::erase_if(all, [&](const LoggedCall& call) { return call.fd != fd; });
  return all;
}

std::size_t Script::count_ctl(int fd, int command) const {
  auto all = log_of(sys::Op::epoll_ctl, fd);
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](auto& call) { return call.command == command; }));
}

void Script::clear_log() {
  std::lock_guard lock{mutex_};
  log_.clear();
}

// --- the scripted poller --------------------------------------------------------------------------------------------------------

Token Script::token_of(int fd) const {
  std::lock_guard lock{mutex_};
  const auto found = known_.find(fd);
  if (found == known_.end()) throw std::logic_error{"descriptor " + std::to_string(fd) + " has not been registered"};
  return found->second.token;
}

int Script::epoll_of(int fd) const {
  (void)token_of(fd);
  std::lock_guard lock{mutex_};
  return known_.at(fd).epoll;
}

void Script::inject(int epoll, std::vector<Event> events, bool alone) {
  {
    std::lock_guard lock{mutex_};
    injections_.push_back({epoll, std::move(events), alone});
  }
  KernelTap::instance().ring();
}

void Script::wait_until_asleep() const {
  while (KernelTap::instance().asleep() == 0) std::this_thread::yield();
}

bool Script::all_taken() const {
  std::lock_guard lock{mutex_};
  return injections_.empty();
}

std::optional<Script::Injection> Script::take_injection(int epoll) {
  std::lock_guard lock{mutex_};
  const auto first = std::find_if(injections_.begin(), injections_.end(), [&](auto& i) { return i.epoll == epoll; });
  if (first == injections_.end()) return std::nullopt;
  Injection taken = std::move(*first);
  injections_.erase(first);
  return taken;
}

// --- what the library calls --------------------------------------------------------------------------------------------------

long Script::on_call(sys::Call& call, KernelCall kernel, const void* context) noexcept {
  const auto answered = answer_of(call);
  const auto instead = std::exchange(instead_, std::nullopt);  // the kernel's part may be made of calls, too
  long result = answered ? *answered : kernel(context, call);
  if (instead && !answered) result = *instead;
  remember(call, result);
  return result;
}

Script::Wait Script::on_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept {
  if (const auto answered = answer_of(call)) {
    remember(call, *answered);
    return {*answered, true};
  }
  auto injection = take_injection(call.fd);
  const std::size_t room = call.size;
  const std::size_t ours = injection ? std::min(injection->events.size(), room) : 0;
  long real = 0;
  if (!injection || (!injection->alone && ours < room)) {
    const long limit = std::exchange(call.extra, 0);
    call.size = room - ours;
    real = kernel(context, call);
    call.size = room;
    call.extra = limit;
  }
  auto* const out = static_cast<Event*>(call.data);
  if (!injection) {
    if (real > 0 && order_) order_({out, static_cast<std::size_t>(real)});
    if (real != 0) remember(call, real);
    return {real, real != 0};
  }
  const std::size_t behind = real > 0 ? static_cast<std::size_t>(real) : 0;
  std::memmove(static_cast<void*>(out + ours), out, behind * sizeof(Event));
  std::copy_n(injection->events.begin(), ours, out);
  const long result = static_cast<long>(ours + behind);
  if (order_) order_({out, ours + behind});
  remember(call, result);
  return {result, true};
}

}  // namespace reactorlab::conformance
