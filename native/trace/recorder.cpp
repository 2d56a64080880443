#include "trace/recorder.hpp"

#include <bit>
#include <stdexcept>

namespace hetsched::trace {

Recorder::Recorder(std::size_t capacity) : mask_(capacity - 1) {
  // With one slot, "may be written" and "may be read" would be the same turn.
  if (!std::has_single_bit(capacity) || capacity < 2 || capacity > std::size_t{1} << 30) {
    throw std::invalid_argument("a recorder's capacity is a power of two from 2 to 2^30");
  }
  slots_ = std::make_unique<Slot[]>(capacity);
  for (std::size_t at = 0; at < capacity; ++at) {
    slots_[at].turn.store(at, std::memory_order_relaxed);
  }
}

void Recorder::record(const Event& event) noexcept {
  std::uint64_t ticket = tail_.load(std::memory_order_relaxed);
  for (;;) {
    Slot& slot = slots_[ticket & mask_];
    const std::uint64_t turn = slot.turn.load(std::memory_order_acquire);
    if (turn == ticket) {
      if (!tail_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed)) continue;
      slot.event = event;
      slot.turn.store(ticket + 1, std::memory_order_release);
      return;
    }
    if (turn < ticket) {  // a whole round behind: it hasn't been drained yet
      lost_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    ticket = tail_.load(std::memory_order_relaxed);
  }
}

std::size_t Recorder::drain(Event* out, std::size_t most) noexcept {
  std::size_t count = 0;
  for (; count < most; ++count, ++head_) {
    Slot& slot = slots_[head_ & mask_];
    if (slot.turn.load(std::memory_order_acquire) != head_ + 1) break;
    out[count] = slot.event;
    slot.turn.store(head_ + mask_ + 1, std::memory_order_release);
  }
  return count;
}

}  // namespace hetsched::trace
