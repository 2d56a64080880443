// All states that matter, as a graph: one layer per group, an arc for each unit it can run on.
//
// Every schedule is a path from the first layer to the last whose arcs add up to no more than its
// units' times. Paths that can't beat a known schedule are left out; where states are too many, the
// cheapest are kept and `dropped` says what the others could have reached.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "place/problem.hpp"
#include "place/states.hpp"

namespace hetsched::place {

struct Arc {
  std::int32_t to;  // node of the next layer
  Index unit;
  Time time;
};

struct Layer {
  std::vector<std::int32_t> first;  // per node, its first arc; one more at the end
  std::vector<Arc> arcs;
  std::int32_t nodes() const { return static_cast<std::int32_t>(first.size()) - 1; }
};

struct Layers {
  std::vector<Layer> layers;  // per group; the first has one node
  std::int32_t ends = 0;      // nodes after the last group
  Time dropped = kNever;      // least weighted sum that a path through a dropped state has
};

// What is left of the graph where sums weighted by `price` stay below `upper`, with at most `most`
// nodes per layer, with a few once `late` says so. With `whole` it gives up where they aren't enough:
// `dropped` is set, the rest is void.
Layers build_layers(const Problem& problem, const States& states, const std::vector<Time>& price,
                    Time upper, std::int64_t most, const std::function<bool()>& late,
                    bool whole = false);

// Removes the arcs on no path with a sum weighted by `price` below `upper`.
void prune_layers(Layers& graph, const std::vector<Time>& price, Time upper);

// Least weighted sum from each node on: [group][node], with one more layer of zeros.
std::vector<std::vector<Time>> costs_to_end(const Layers& graph, const std::vector<Time>& price);

// Per unit, the time of a cheapest path.
std::vector<Time> cheapest_loads(const Layers& graph, const std::vector<Time>& price,
                                 const std::vector<std::vector<Time>>& rest, std::size_t units);

}  // namespace hetsched::place
