#include "impls/raw_uring/buffer_pool.hpp"

#include <cerrno>
#include <system_error>

#include <sys/mman.h>

namespace reactorlab::raw_uring {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kCacheLine = 64;

constexpr std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

}  // namespace

/// One mapping for the ring and its buffers, with its pages in place: a first message shouldn't pay for them. A cache line between
/// the buffers puts their beginnings, all that small messages touch, into different sets of the cache.
BufferPool::BufferPool(io_uring& ring, unsigned count, std::size_t size)
    : count_(count), size_(size), stride_(round_up(size, kCacheLine) + kCacheLine), level_(std::min(kFirstLevel, count)) {
  const std::size_t ring_bytes = round_up(count * sizeof(io_uring_buf), kPage);
  mapped_ = ring_bytes + count * stride_;
  void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "raw_uring: no memory for the receive buffers");
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  bytes_ = static_cast<char*>(memory) + ring_bytes;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  const int result = ::io_uring_register_buf_ring(&ring, &registration, 0);
  if (result < 0) {
    ::munmap(memory, mapped_);
    throw std::system_error(-result, std::system_category(),
                            "raw_uring: cannot provide buffers to the ring (it needs Linux 6.1 or newer)");
  }
  idle_.reserve(count);
  for (unsigned id = count; id > 0; --id) give_back(static_cast<std::uint16_t>(id - 1));
  publish();
}

void BufferPool::publish() {
  int added = 0;
  for (; in_ring_ < level_ && !idle_.empty(); ++in_ring_) {
    const std::uint16_t id = idle_.back();
    idle_.pop_back();
    ::io_uring_buf_ring_add(ring_, bytes(id), static_cast<unsigned>(size_), id, ::io_uring_buf_ring_mask(count_), added++);
  }
  ::io_uring_buf_ring_advance(ring_, added);
}

BufferPool::~BufferPool() { ::munmap(ring_, mapped_); }

}  // namespace reactorlab::raw_uring
