#pragma once

#include "core/types.hpp"

// A request's number holds its place among the live ones, and how many came before it.
namespace hetsched::core {

inline constexpr int kSlotBits = 20;
inline constexpr RequestId kSlotMask = (RequestId{1} << kSlotBits) - 1;

inline Slot slot_of(RequestId request) { return static_cast<Slot>(request & kSlotMask); }

inline Time later(Time from, Time by) { return by >= kNever - from ? kNever : from + by; }

}  // namespace hetsched::core
