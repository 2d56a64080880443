// The dispatcher's words: numbers that come in with events and go out with actions.
#pragma once

#include <cstdint>
#include <limits>

namespace hetsched::core {

using Time = std::int64_t;  // ns; of any clock that never goes back
using Unit = std::int32_t;
using AppId = std::int32_t;
using StageId = std::int32_t;
using RequestId = std::int64_t;  // ascends in the order of arrival
using Slot = std::int32_t;       // where a live request's state is kept

inline constexpr Time kNever = std::numeric_limits<Time>::max();
inline constexpr Unit kMaxUnits = 64;

// How a request ended; every request ends in exactly one of these.
enum class Status : std::int32_t { kCompleted, kMissed, kDropped, kCancelled, kFailed };

struct Action {
  enum class Kind : std::int32_t {
    kStart,   // run `stage` of `request` on `unit`, now
    kFinish,  // `request` has ended with `status`; none of its stages is started any more
    kTimer,   // send a timer event at `at`, or soon after; replaces the timer set before
  };
  Kind kind;
  Unit unit = -1;
  RequestId request = -1;
  StageId stage = -1;
  Status status = Status::kCompleted;
  Time at = 0;
};

}  // namespace hetsched::core
