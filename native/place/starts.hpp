// Simple schedules to begin a search from.
#pragma once

#include "place/problem.hpp"
#include "place/schedule.hpp"

namespace hetsched::place {

// The best of: everything on one unit as far as it can run it; every group on its cheapest unit; the
// units along the paths of `earliest_ends`. Groups are dealt in the problem's order.
Sequence best_start(const Problem& problem);

}  // namespace hetsched::place
