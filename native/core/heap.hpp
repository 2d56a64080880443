// A binary heap that tells where each of its entries is, so that any entry can be taken out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/memory.hpp"

namespace hetsched::core {

// `Entry` has operator<, a total order. `moved(entry, index)` is called whenever an entry has a new
// index, with -1 when it has left.
template <typename Entry, typename Moved>
class Heap {
 public:
  Heap(std::pmr::memory_resource* memory, Moved moved) : entries_(memory), moved_(moved) {}

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const Entry& top() const { return entries_.front(); }
  const Entry& operator[](std::size_t index) const { return entries_[index]; }

  void push(const Entry& entry) {
    entries_.push_back(entry);
    up(entries_.size() - 1, entry);
  }

  Entry take(std::size_t index) {
    const Entry taken = entries_[index];
    const Entry last = entries_.back();
    entries_.pop_back();
    if (index < entries_.size()) place(index, last);
    moved_(taken, -1);
    return taken;
  }

 private:
  void place(std::size_t index, const Entry& entry) {
    if (index > 0 && entry < entries_[(index - 1) / 2]) {
      up(index, entry);
    } else {
      down(index, entry);
    }
  }

  void up(std::size_t index, Entry entry) {
    while (index > 0 && entry < entries_[(index - 1) / 2]) {
      set(index, entries_[(index - 1) / 2]);
      index = (index - 1) / 2;
    }
    set(index, entry);
  }

  void down(std::size_t index, Entry entry) {
    for (std::size_t child = 2 * index + 1; child < entries_.size(); child = 2 * index + 1) {
      if (child + 1 < entries_.size() && entries_[child + 1] < entries_[child]) ++child;
      if (!(entries_[child] < entry)) break;
      set(index, entries_[child]);
      index = child;
    }
    set(index, entry);
  }

  void set(std::size_t index, const Entry& entry) {
    entries_[index] = entry;
    moved_(entry, static_cast<std::int32_t>(index));
  }

  Vec<Entry> entries_;
  Moved moved_;
};

}  // namespace hetsched::core
