// Latency of a graph that narrows again and again to one group: a shortest path over the units of
// its clean points, where an arc is the best schedule of the block between two of them.
//
// Arcs start with cheap lower bounds; only those on the present best path are solved, exactly where
// the search ends, until the path's length is proven. Blocks that are equal share their arcs.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"
#include "place/schedule.hpp"

namespace hetsched::place {

struct ChainOptions {
  std::uint64_t seed = 0;
  double gap = 0.0;               // stop at (value - bound) / value no larger than this
  std::int64_t max_nodes = 0;     // of one arc's exact search
  std::int64_t iterations = 0;    // of one arc's annealing, per group of the block
  double seconds = 1e9;           // outer stop; a run that it stops isn't repeatable
};

struct ChainResult {
  Stages stages;        // empty when time ran out before any path was complete
  Time value = kNever;  // of `stages`
  Time bound = 0;       // no schedule ends before
  Index blocks = 0;
  Index largest = 0;    // groups in the largest block
  bool complete = false;  // every arc on the best path is as good as `options` allow
};

// Ignores limits of memory and of stages per unit: the bound stays valid, the stages may break them.
ChainResult solve_chain(const Problem& problem, const ChainOptions& options);

}  // namespace hetsched::place
