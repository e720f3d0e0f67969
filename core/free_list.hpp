#pragma once
// Singly linked lists of what is free, by a member `next`: a pool's own, and the common ones by which the pools of threads even out.

#include <cstdint>
#include <limits>
#include <utility>

#include "core/mutation.hpp"

namespace reactorlab::free_list {

/// A part of a list; empty: no `first`.
template <class Node>
struct Chain {
  Node* first = nullptr;
  Node* last = nullptr;
  std::int32_t length = 0;
};

inline constexpr std::int32_t everything = std::numeric_limits<std::int32_t>::max();

/// Takes the first `most` off the list, or as many as it has.
template <class Node>
Chain<Node> cut(Node*& list, std::int32_t most) noexcept {
  Chain<Node> chain;
  for (Node* node = list; node && chain.length != most; node = node->next) {
    if (!chain.first) chain.first = node;
    chain.last = node;
    ++chain.length;
  }
  if (chain.last) list = std::exchange(chain.last->next, nullptr);
  return chain;
}

template <class Node>
void prepend(Node*& list, const Chain<Node>& chain) noexcept {
  if (!chain.first) return;
  chain.last->next = list;
  list = chain.first;
}

template <class Node>
std::int32_t length(const Node* list) noexcept {
  std::int32_t n = 0;
  for (; list; list = list->next) ++n;
  return n;
}

/// For a pool that has none left. Not all that the common list has: the next thread would find nothing and get fresh ones, and what
/// the two gave back in the end would be more each time.
template <class Node>
Chain<Node> take_some(Node*& common) noexcept {
  constexpr std::int32_t at_once = 64;
  return cut(common, mutated(Mutant::common_list_taken_whole) ? everything : at_once);
}

}  // namespace reactorlab::free_list
