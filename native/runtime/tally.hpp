// What a runtime counts: an app's requests by how they ended, a unit's stages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/types.hpp"
#include "runtime/histogram.hpp"

namespace hetsched::runtime {

struct Tally {
  std::int64_t requests = 0;
  std::array<std::int64_t, 5> ended{};  // by `core::Status`
  Histogram latency;                    // of those that were completed or missed

  void count(core::Status status, core::Time took) {
    ++ended[static_cast<std::size_t>(status)];
    if (status == core::Status::kCompleted || status == core::Status::kMissed) latency.add(took);
  }
};

struct Meter {
  core::Time busy = 0;      // how long stages that have ended well took there
  std::int64_t stages = 0;  // how many these are
  std::int64_t failures = 0;
};

}  // namespace hetsched::runtime
