// The busiest unit's time: placements, and what no placement can get under.
//
// The graph of states is priced for a first bound; then labels (a state with what each unit has done
// so far) are carried through it, best first by what prices say they can still reach. Labels that are
// nearly the same share the least of their loads, and the best of the dropped ones limits the bound.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "place/layers.hpp"
#include "place/prices.hpp"
#include "place/problem.hpp"

namespace hetsched::place {

struct GraphOptions {
  std::int64_t states = 20'000;  // per group
  bool whole = true;             // too many states: tell fewer apart rather than drop the dearest
  Time upper = kNever;           // a schedule's value: nothing from there on is looked at
  double seconds = 1e9;          // outer stop; what it stops isn't repeatable
};

struct LabelOptions {
  std::int64_t labels = 5'000;  // per group
  std::int64_t grain = 400;     // labels that differ by less than upper / grain may become one
  Time upper = kNever;          // a schedule's value, at most the graph's
  double seconds = 1e9;         // outer stop: what is left is done with few labels and has no bound
};

struct LabelResult {
  Time bound = 0;                         // no schedule's busiest unit is less busy
  std::vector<std::vector<Index>> units;  // unit per group, of the best ends found, best first
};

// The graph of states for one problem with its best prices, and searches in it.
class Balance {
 public:
  Balance(const Problem& problem, GraphOptions options);

  // Whether there are few enough units; without, there is no bound and nothing is found.
  bool fits() const { return fits_; }
  // Whether the graph tells everything apart that states tell apart, and has all of them.
  bool complete() const { return complete_; }
  // What prices alone say that no schedule gets under.
  Time bound() const { return bound_; }

  // Removes what isn't better than `upper` from the graph, for good, and searches the rest.
  LabelResult search(LabelOptions options);

 private:
  void build(const Problem& problem, const std::vector<Time>& price, const GraphOptions& options,
             const std::function<bool()>& late);
  Time limited(Time sum) const;

  std::size_t units_ = 0;
  Time upper_ = 0;
  Time bound_ = 0;
  Time most_ = 0;  // what dropped states could have reached
  bool fits_ = false;
  bool complete_ = false;
  Layers graph_;
  std::vector<Priced> prices_;
};

}  // namespace hetsched::place
