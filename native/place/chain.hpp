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
#include "place/series.hpp"

namespace hetsched::place {

struct ChainOptions {
  std::uint64_t seed = 0;
  double gap = 0.0;               // stop at (value - bound) / value no larger than this
  std::int64_t max_nodes = 0;     // of one arc's exact search
  std::int64_t iterations = 0;    // of one arc's annealing, per group of the block
  Time known = kNever;            // value of a schedule that the caller has
  double seconds = 1e9;           // outer stop; a run that it stops isn't repeatable
};

// What is known of one block.
struct Link {
  Block block;
  std::vector<Time> lower;  // [source unit * units + sink unit], kNever where there is no such arc
  Time open = 0;            // upper minus lower end of the arc on the best path
};

struct ChainResult {
  Stages stages;        // empty when time ran out before any path was complete
  Time value = kNever;  // of `stages`
  Time bound = 0;       // no schedule ends before
  std::vector<Link> links;
};

// Ignores limits of memory and of stages per unit: the bound stays valid, the stages may break them.
ChainResult solve_chain(const Problem& problem, const ChainOptions& options);

}  // namespace hetsched::place
