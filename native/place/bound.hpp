// Lower bounds on the makespan that need no solver.
#pragma once

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

// Weights per unit, adding up to 1, under which no assignment has a weighted load below `bound`;
// the makespan is at least every weighted load.
struct LoadBound {
  std::vector<double> weight;
  Time bound = 0;
};
LoadBound load_bound(const Problem& problem);

}  // namespace hetsched::place
