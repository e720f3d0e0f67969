#pragma once
// A bounded channel, many senders to many receivers, first in, first out; between tasks of any runtimes on any threads.
//
// Values wait in a ring, tasks in two intrusive queues, all under one mutex; tasks are woken once it is free. A woken
// receiver has a claim on one value, which stays in the ring until it is taken: nobody overtakes it, and if the
// receiver is destroyed instead its claim goes to the next.

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "core/sync.hpp"
#include "core/wait_operation.hpp"
#include "core/wait_queue.hpp"

namespace reactorlab {

/// Outlives its operations. All members: any thread.
template <class T>
class Channel {
  static_assert(std::is_nothrow_move_constructible_v<T>, "values are moved with the mutex held");

 public:
  /// Throws UsageError for a capacity of 0.
  explicit Channel(std::size_t capacity) : capacity_{capacity} {
    if (capacity == 0) throw UsageError{"a channel needs a capacity of at least 1"};
    ring_ = std::make_unique<std::optional<T>[]>(capacity);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// co_await: bool. Waits for room; false if the channel is or gets closed first, the value is destroyed then.
  /// Destroyed while it waits, it sends nothing.
  auto send(T value) noexcept { return Send{*this, std::move(value)}; }

  /// co_await: std::optional<T>. Waits for a value; nothing once the channel is closed and empty. Destroyed while it
  /// waits, it takes nothing.
  auto receive() noexcept { return Receive{*this}; }

  /// False, and `value` as it was, if there is no room or the channel is closed.
  bool try_send(T&& value) noexcept {
    return exclusively([&] {
      if (closed_ || size_ == capacity_) return false;
      push(std::move(value));
      return true;
    });
  }
  /// Nothing if there is no value that isn't claimed.
  std::optional<T> try_receive() noexcept {
    std::optional<T> value;
    exclusively([&] { return unclaimed_ != 0 && (claim(), pop_into(value), true); });
    return value;
  }

  /// No more values: waiting senders get false, receivers get what is left and then nothing. Idempotent.
  void close() noexcept {
    exclusively([&] { return closed_ = true; });
  }
  bool closed() const noexcept {
    LockGuard lock{mutex_};
    return closed_;
  }
  /// Values in the channel, those that woken receivers are about to take included.
  std::size_t size() const noexcept {
    LockGuard lock{mutex_};
    return size_;
  }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  /// How far a waiter has come. fresh -> queued -> served or refused, each under the mutex.
  enum class Stage : std::uint8_t {
    fresh,
    queued,
    served,   ///< sender: its value is in the ring. Receiver: it has a claim, or (finished) its value
    refused,  ///< the channel is closed
  };

  class Send : public WaitOperation<Send>, private QueuedWaiter {
   public:
    Send(Channel& channel, T&& value) noexcept : channel_{channel}, value_{std::move(value)} {}
    ~Send() {
      if (parked_) channel_.forget(*this);
    }
    bool await_resume() const noexcept { return stage_ == Stage::served; }

    bool try_now() noexcept { return channel_.attempt(*this, /*may_wait=*/false); }
    bool progress() noexcept {
      parked_ = !channel_.attempt(*this, /*may_wait=*/true);
      return !parked_;
    }

   private:
    friend Channel;
    Channel& channel_;
    T value_;
    Stage stage_ = Stage::fresh;  // guarded by the channel's mutex until it has finished
    bool parked_ = false;         // its own task's
  };

  class Receive : public WaitOperation<Receive>, private QueuedWaiter {
   public:
    explicit Receive(Channel& channel) noexcept : channel_{channel} {}
    ~Receive() {
      if (parked_) channel_.forget(*this);
    }
    std::optional<T> await_resume() noexcept { return std::move(value_); }

    bool try_now() noexcept { return channel_.attempt(*this, /*may_wait=*/false); }
    bool progress() noexcept {
      parked_ = !channel_.attempt(*this, /*may_wait=*/true);
      return !parked_;
    }

   private:
    friend Channel;
    Channel& channel_;
    std::optional<T> value_;
    Stage stage_ = Stage::fresh;  // guarded by the channel's mutex until it has finished
    bool parked_ = false;         // its own task's
  };

  // --- what operations ask for -----------------------------------------------------------------------------------------------
  // Each takes the mutex while it looks and changes; wakes are delivered without it.

  /// True: finished. Else, if it may wait, it is queued.
  bool attempt(Send& sender, bool may_wait) noexcept {
    return exclusively([&] {
      if (sender.stage_ != Stage::fresh) return sender.stage_ != Stage::queued;
      if (closed_) {
        sender.stage_ = Stage::refused;
      } else if (size_ < capacity_) {
        push(std::move(sender.value_));
        sender.stage_ = Stage::served;
      } else {
        if (may_wait) enqueue(senders_, sender);
        return false;
      }
      return true;
    });
  }

  bool attempt(Receive& receiver, bool may_wait) noexcept {
    return exclusively([&] {
      if (receiver.stage_ == Stage::queued) return false;
      if (receiver.stage_ == Stage::fresh) {
        if (unclaimed_ != 0) {
          claim();
          receiver.stage_ = Stage::served;
        } else if (closed_ && size_ == 0) {
          receiver.stage_ = Stage::refused;
        } else {
          if (may_wait) enqueue(receivers_, receiver);
          return false;
        }
      }
      if (receiver.stage_ == Stage::served) pop_into(receiver.value_);
      return true;
    });
  }

  void forget(Send& sender) noexcept {
    LockGuard lock{mutex_};
    if (sender.stage_ == Stage::queued) senders_.remove(sender);
  }
  void forget(Receive& receiver) noexcept {
    exclusively([&] {
      if (receiver.stage_ == Stage::queued) receivers_.remove(receiver);
      if (receiver.stage_ == Stage::served) ++unclaimed_;  // its claim is free again
      return true;
    });
  }

  // --- under the mutex -------------------------------------------------------------------------------------------------------
  // exclusively() takes it, the rest REQUIRES it.

  /// Makes the change, serves whoever can be served after it, and wakes them once the mutex is free.
  template <class Change>
  bool exclusively(Change&& change) noexcept {
    WakeHandful wakes;
    UniqueLock lock{mutex_};
    const bool result = change();
    while (!serve(wakes)) {
      lock.unlock();
      wakes.deliver();
      lock.lock();
    }
    lock.unlock();
    wakes.deliver();
    return result;
  }

  /// False: there are more to be served than can be woken in one go.
  bool serve(WakeHandful& wakes) noexcept {
    while (!senders_.empty() && (closed_ || size_ < capacity_)) {
      if (wakes.full()) return false;
      auto& sender = static_cast<Send&>(senders_.pop());
      if (!closed_) push(std::move(sender.value_));
      sender.stage_ = closed_ ? Stage::refused : Stage::served;
      wakes.add(sender.waker);
    }
    while (!receivers_.empty() && (unclaimed_ != 0 || (closed_ && size_ == 0))) {
      if (wakes.full()) return false;
      auto& receiver = static_cast<Receive&>(receivers_.pop());
      receiver.stage_ = unclaimed_ != 0 ? Stage::served : Stage::refused;
      if (unclaimed_ != 0) claim();
      wakes.add(receiver.waker);
    }
    return true;
  }

  template <class Operation>
  static void enqueue(WaitQueue& queue, Operation& operation) noexcept {
    operation.stage_ = Stage::queued;
    operation.waker = Waker{operation.task()};
    queue.push(operation);
  }
  void claim() noexcept { --unclaimed_; }
  void push(T&& value) noexcept {
    ring_[(first_ + size_) % capacity_].emplace(std::move(value));
    ++size_;
    ++unclaimed_;
  }
  /// REQUIRES a claim.
  void pop_into(std::optional<T>& value) noexcept {
    value.emplace(std::move(*ring_[first_]));
    ring_[first_].reset();
    first_ = (first_ + 1) % capacity_;
    --size_;
  }

  const std::size_t capacity_;
  mutable PlainMutex mutex_;
  // guarded by mutex_
  std::unique_ptr<std::optional<T>[]> ring_;
  std::size_t first_ = 0;      // where the oldest value lies
  std::size_t size_ = 0;       // values in the ring
  std::size_t unclaimed_ = 0;  // of them, those that no woken receiver has a claim on
  WaitQueue senders_;          // empty unless the ring is full
  WaitQueue receivers_;        // empty unless every value is claimed
  bool closed_ = false;
};

}  // namespace reactorlab
