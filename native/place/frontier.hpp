// Least weighted sum of the units' times, with each unit's time at its own price.
//
// A dynamic program over the groups in order. Its state is what later groups need to know: for each
// live tensor the unit that made it and the units that hold it, and the unit of the last group on
// one longest path. Costs and copies are charged as they are, dispatches along that path only; memory
// and caps are left out. So the result is a bound on the weighted sum, and often equal to it.
//
// States are kept up to a number; the cheapest ones that were dropped limit the bound.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

struct FrontierResult {
  Time bound = 0;            // no schedule has a lower sum; 0 where there are too many live tensors
  std::vector<Index> unit;   // per group, of the best end found; empty without one
  std::vector<Time> load;    // per unit, likewise
};

struct FrontierOptions {
  Time upper = kNever;            // a schedule's sum: nothing above it is looked at
  std::int64_t states = 20'000;   // kept at a time
};

// The least sum over units of price x time.
FrontierResult frontier(const Problem& problem, const std::vector<Time>& price,
                        const FrontierOptions& options);

struct BalanceOptions {
  int rounds = 30;               // changes of prices
  std::int64_t states = 5'000;   // kept at a time
  Time upper = kNever;           // a schedule's value: no bound above it is looked for
  double gap = 0;                // stop at a bound of (1 - gap) * upper
  double seconds = 1e9;          // outer stop; a search that it stops isn't repeatable
};

// A lower bound on the busiest unit's time: it is at least every weighted mean of all units' times.
// Weights are found by raising those of units that the cheapest schedule overloads.
Time balance_bound(const Problem& problem, const BalanceOptions& options);

}  // namespace hetsched::place
