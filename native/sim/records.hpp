// What a simulation leaves, as it goes to files and to Python.
#pragma once

#include <cstdint>

namespace hetsched::sim {

// Field for field hetsched.trace.events.EVENT; -1 where a field doesn't apply.
struct Event {
  std::int64_t time;
  std::int64_t request;
  std::int64_t value;
  std::int16_t kind;
  std::int16_t unit;
  std::int32_t app;
  std::int32_t stage;
  std::int32_t pad = 0;
};
static_assert(sizeof(Event) == 40);

namespace kind {
inline constexpr std::int16_t kSubmitted = 0;
inline constexpr std::int16_t kStarted = 1;
inline constexpr std::int16_t kEnded = 2;
inline constexpr std::int16_t kFinished = 3;
inline constexpr std::int16_t kFailed = 4;
inline constexpr std::int16_t kUnitDown = 5;
inline constexpr std::int16_t kUnitUp = 6;
inline constexpr std::int16_t kDeployed = 7;
inline constexpr std::int16_t kFrequency = 8;
inline constexpr std::int16_t kTemperature = 9;
inline constexpr std::int16_t kCopied = 11;
}  // namespace kind

// Field for field hetsched.sim.result.REQUEST.
struct RequestRecord {
  std::int64_t request;
  std::int64_t arrival;
  std::int64_t deadline;  // absolute; -1 for none
  std::int64_t end;
  std::int64_t origin;  // arrival of the request that it goes back to
  double energy_uj;
  std::int32_t app;
  std::int32_t status;
};
static_assert(sizeof(RequestRecord) == 56);

}  // namespace hetsched::sim
