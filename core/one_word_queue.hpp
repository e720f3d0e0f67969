#pragma once
// A queue of one pointer, for what exists once per connection: its last element, whose `next` is the first one.

#include <utility>

namespace reactorlab {

/// First in, first out; intrusive, by `next`. Owns nothing, and is good as zeros. Unsynchronised.
template <class Element>
struct OneWordQueue {
  Element* last;

  bool empty() const noexcept { return !last; }
  /// nullptr: it is empty.
  Element* front() const noexcept { return last ? last->next : nullptr; }
  /// nullptr: that is the last one.
  Element* behind(const Element& element) const noexcept { return &element == last ? nullptr : element.next; }
  void push(Element& element) noexcept {
    element.next = last ? std::exchange(last->next, &element) : &element;
    last = &element;
  }
  /// REQUIRES !empty().
  Element& pop() noexcept {
    Element& first = *last->next;
    if (&first == last) {
      last = nullptr;
    } else {
      last->next = first.next;
    }
    return first;
  }
};

}  // namespace reactorlab
