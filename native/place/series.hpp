// Where a graph narrows to one group, so that its parts can be solved on their own.
#pragma once

#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

// Groups that are ordered against every other group, ascending. A stage that holds one runs alone:
// everything else is done before it starts or starts after its end.
std::vector<Index> series_points(const Problem& problem);

// Series points that every tensor passing by was made by: no tensor made earlier is read later, and
// no model input is read on both sides. What lies on either side shares only the point's unit.
std::vector<Index> clean_points(const Problem& problem);

// The groups between two clean points.
struct Block {
  Index source = kNone;  // the clean point before, kNone at the start of the graph
  Index sink = kNone;    // the clean point after, kNone at the end of the graph
  Index first = 0;       // groups strictly between: first <= g < last
  Index last = 0;
};

// Blocks in order; each clean point is the sink of one and the source of the next.
std::vector<Block> blocks(const Problem& problem, const std::vector<Index>& points);

// A block as a problem of its own with source and sink (where there are any) pinned to units and at
// no cost. Group i of it is group `begin(block) + i`. Its makespan minus the source's dispatch is
// the time from the end of the source, inside its stage, to where the sink's own time begins.
Problem block_problem(const Problem& problem, const Block& block, Index source_unit,
                      Index sink_unit);

// The block's first group, its source included.
Index begin(const Block& block);
// One past the block's last group, its sink included.
Index end(const Block& block);

}  // namespace hetsched::place
