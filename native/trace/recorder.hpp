// A bounded ring of events: many threads record, one drains. Who records never waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "trace/event.hpp"

namespace hetsched::trace {

// Source: a bounded queue with a turn per slot (D. Vyukov, "Bounded MPMC queue"). A slot's turn is
// the ticket that may write there next; one more means that the ticket's event is there to read.
class Recorder {
 public:
  // `capacity` is a power of two from 2 to 2^30. Throws std::invalid_argument.
  explicit Recorder(std::size_t capacity);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Without room the event is counted as lost.
  void record(const Event& event) noexcept;

  // Takes the oldest events out, in the order in which they were recorded; how many they were.
  std::size_t drain(Event* out, std::size_t most) noexcept;

  // How many got lost since the last call.
  std::uint64_t take_lost() noexcept { return lost_.exchange(0, std::memory_order_relaxed); }

  std::size_t capacity() const noexcept { return mask_ + 1; }

 private:
  struct Slot {
    std::atomic<std::uint64_t> turn;
    Event event;
  };

  std::size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::uint64_t head_ = 0;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace hetsched::trace
