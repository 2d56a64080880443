// Lower bounds on the makespan that need no solver.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

// Earliest end of each group on each unit, [group * units + unit], kNever where it can't run: along
// every path each group costs its time there, and each change of unit a dispatch and a copy.
// Valid because a reader elsewhere starts a dispatch after the end of its input's stage, and either
// copies the input itself or follows, on its own unit, the stage that did.
std::vector<Time> earliest_ends(const Problem& problem);

// The largest of the earliest ends, each group on its best unit; kNever when a group has no unit.
Time path_bound(const Problem& problem);

// Weights per unit, adding up to 1 over the units of a set (a bit mask) and 0 elsewhere. When only
// units of the set are used, the makespan is at least every weighted load: the sum over its units of
// weight times (time until free + dispatch), and over the groups of their least weighted time.
struct LoadBound {
  std::uint64_t units = 0;
  std::vector<double> weight;
  Time bound = 0;  // with all groups to do and all units free: kNever when the set can't run them
};

// Weights for a set of units under which the bound is (nearly) as large as possible.
// With `all_used` false any of them may stay unused: dispatches don't count then.
LoadBound load_bound(const Problem& problem, std::uint64_t units, bool all_used = true);

// The least of the bounds of all sets of units.
Time load_bound(const Problem& problem);

}  // namespace hetsched::place
