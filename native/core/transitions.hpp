// The life of a stage and of a request: one table, every step of the dispatcher goes through it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace hetsched::core {

enum class StageState : std::uint8_t { kBlocked, kReady, kRunning, kDone, kNone };
enum class StageEvent : std::uint8_t { kInputsThere, kStarted, kEnded, kLost };

enum class RequestState : std::uint8_t {
  kWaiting,  // none of its stages has started yet
  kRunning,
  kCompleted,
  kMissed,
  kDropped,
  kCancelled,
  kFailed,
  kNone,
};
enum class RequestEvent : std::uint8_t {
  kStarted,
  kEndedInTime,
  kEndedLate,
  kHopeless,  // can't meet its deadline any more, or has no room in its app's queue
  kCancelled,
  kBroken,
};

namespace table {

using S = StageState;
// Rows: blocked, ready, running, done. Columns: inputs there, started, ended, lost.
inline constexpr std::array<std::array<S, 4>, 4> kStage{{
    {S::kReady, S::kNone, S::kNone, S::kNone},
    {S::kNone, S::kRunning, S::kNone, S::kNone},
    {S::kNone, S::kNone, S::kDone, S::kReady},
    {S::kNone, S::kNone, S::kNone, S::kNone},
}};

using R = RequestState;
// Rows: waiting, running; what has ended stays so. Columns: started, in time, late, hopeless,
// cancelled, broken. Only a request without stages ends in time out of waiting.
inline constexpr std::array<std::array<R, 6>, 2> kRequest{{
    {R::kRunning, R::kCompleted, R::kMissed, R::kDropped, R::kCancelled, R::kFailed},
    {R::kRunning, R::kCompleted, R::kMissed, R::kDropped, R::kCancelled, R::kFailed},
}};

}  // namespace table

inline StageState next(StageState from, StageEvent event) {
  const auto row = static_cast<std::size_t>(from);
  const StageState to = row < table::kStage.size()
                            ? table::kStage[row][static_cast<std::size_t>(event)]
                            : StageState::kNone;
  if (to == StageState::kNone) throw std::logic_error("a stage can't take this step");
  return to;
}

inline RequestState next(RequestState from, RequestEvent event) {
  const auto row = static_cast<std::size_t>(from);
  if (row >= table::kRequest.size()) throw std::logic_error("the request has ended already");
  return table::kRequest[row][static_cast<std::size_t>(event)];
}

}  // namespace hetsched::core
