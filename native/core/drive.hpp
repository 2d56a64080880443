// A tiny world in virtual time that keeps the dispatcher busy: what its speed is measured with.
#pragma once

#include <cstdint>

#include "core/dispatcher.hpp"

namespace hetsched::core {

struct Driven {
  std::int64_t starts = 0;  // decisions: a stage started on a unit
  std::int64_t events = 0;
  std::int64_t finishes = 0;
  std::int64_t allocations = 0;  // the dispatcher's
};

// Keeps `depth` requests of each of the apps 0 to apps - 1 going until `starts` stages have started,
// then lets the last ones end. A stage takes 1 to `longest` ns, by `seed`. Time goes on from the
// dispatcher's last event, after which nothing may be under way.
Driven drive(Dispatcher& dispatcher, AppId apps, std::int32_t depth, std::int64_t starts,
             Time longest, std::uint64_t seed);

}  // namespace hetsched::core
