// A lower bound on the busiest unit's time, by prices on the groups.
//
// Give each group an integer price. In time T a unit can earn at most P_u(T): the highest price of
// any set of groups whose costs, copies and dispatches take it no more than T. A schedule whose units
// all finish within T earns every price, so T is too short wherever the P_u(T) sum up to less. This
// holds for any prices; good ones are found by raising those of groups that no unit picks and
// lowering those of groups that several pick (Lagrangian decomposition by units).
//
// What a unit earns by when is a dynamic program over the groups in order. Its state is which live
// tensors the unit holds, so copies are charged as they are; one that could come from several units
// is charged at the cheapest. Dispatches are counted along one longest path. Memory and caps are
// left out. All of that can only lower the bound.
#pragma once

#include <cstdint>

#include "place/problem.hpp"

namespace hetsched::place {

struct PackOptions {
  int rounds = 30;          // changes of prices
  Index resolution = 3000;  // sum of prices
  int width = 6;            // live tensors kept apart; the cheapest to copy of more are free
  Time upper = kNever;      // a schedule's value: no bound above it is looked for
  double gap = 0;           // stop at a bound of (1 - gap) * upper
  double seconds = 1e9;     // outer stop; a search that it stops isn't repeatable
};

// The largest bound found.
Time pack_bound(const Problem& problem, const PackOptions& options);

}  // namespace hetsched::place
