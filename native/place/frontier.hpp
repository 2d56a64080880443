// Least weighted sum of the units' times, with each unit's time at its own price.
//
// A dynamic program over the groups in order (see states.hpp): what it finds is a bound on the
// weighted sum, and often equal to it.
//
// States are kept up to a number; the cheapest ones that were dropped limit the bound.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

struct FrontierResult {
  Time bound = 0;            // no schedule has a lower sum; 0 where there are too many units
  std::vector<Index> unit;   // per group, of the best end found; empty without one
};

struct FrontierOptions {
  Time upper = kNever;            // a schedule's sum: nothing above it is looked at
  std::int64_t states = 20'000;   // kept at a time
  double seconds = 1e9;           // outer stop: the rest is done with few states; not repeatable
};

// The least sum over units of price x time.
FrontierResult frontier(const Problem& problem, const std::vector<Time>& price,
                        const FrontierOptions& options);

}  // namespace hetsched::place
