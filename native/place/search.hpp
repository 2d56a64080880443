// Simulated annealing over sequences: moves connected regions between units, reorders, cuts, joins.
#pragma once

#include <cstdint>

#include "place/goal.hpp"
#include "place/problem.hpp"
#include "place/schedule.hpp"

namespace hetsched::place {

struct SearchOptions {
  std::uint64_t seed = 0;
  std::int64_t iterations = 0;
  double hot = 0.02;    // first temperature, as a part of the start's makespan
  double cold = 1e-5;   // last temperature, likewise
  Time target = 0;      // stop at a makespan this low
  double seconds = 1e9; // outer stop; a search that it stops isn't repeatable
  Goal goal = {};       // what `makespan` and `target` stand for below and above
};

struct SearchResult {
  Sequence sequence;
  Time makespan = kNever;
  std::int64_t iterations = 0;
};

// The best sequence seen; never worse than `start`, and the same for the same arguments unless
// stopped by `seconds`.
SearchResult anneal(const Problem& problem, const Sequence& start, const SearchOptions& options);

}  // namespace hetsched::place
