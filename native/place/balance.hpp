// The busiest unit's time: placements, and what no placement can get under.
//
// The graph of states is priced for a first bound; then labels (a state with what each unit has done
// so far) are carried through it, best first by what prices say they can still reach. Labels that are
// nearly the same share the least of their loads, and the best of the dropped ones limits the bound.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

struct BalanceOptions {
  std::int64_t states = 20'000;  // per group
  std::int64_t labels = 5'000;   // per group; 0 for prices only
  std::int64_t grain = 400;      // labels that differ by less than upper / grain are one
  bool whole = true;             // too many states: tell fewer apart rather than drop the dearest
  Time upper = kNever;           // a schedule's value: nothing from there on is looked at
  double seconds = 1e9;          // outer stop; a search that it stops isn't repeatable
};

struct BalanceResult {
  Time bound = 0;                         // no schedule's busiest unit is less busy
  std::vector<std::vector<Index>> units;  // unit per group, of the best ends found, best first
};

// Bound 0 and no units where there are more than kMostUnits units.
BalanceResult balance(const Problem& problem, BalanceOptions options);

}  // namespace hetsched::place
