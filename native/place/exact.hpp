// The best schedule of a small problem, by best-first branch and bound over whole stages.
//
// A node is a set of closed stages; its children are all ways to choose the next stage: a unit and
// a set of groups whose predecessors are done or in the set. Stages are chosen in order of their
// start, so each schedule is reached in one order only. Of two nodes that have done the same groups
// and hold the same tensors on the same units, one that is no earlier in any respect is dropped.
#pragma once

#include <cstdint>

#include "place/problem.hpp"
#include "place/schedule.hpp"

namespace hetsched::place {

struct ExactOptions {
  std::int64_t max_nodes = 0;  // to keep
  double seconds = 1e9;        // outer stop; a search that it stops isn't repeatable
};

struct ExactResult {
  Stages stages;          // empty when nothing better than `known` was found
  Time value = kNever;    // of `stages`, or `known`
  Time bound = 0;         // no schedule is better; equal to `value` when the search ended
  std::int64_t nodes = 0;
};

// Whether a problem is small enough: at most 64 groups, 8 units, no limits.
bool fits_exact(const Problem& problem);

// Looks for schedules better than `known`, the value of one that the caller has. Ignores limits of memory and of stages per unit: its bound stays valid.
ExactResult solve_exact(const Problem& problem, Time known, const ExactOptions& options);

}  // namespace hetsched::place
