// A lower bound on the makespan from the work that is left, the units that share it, and what must
// follow it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

// Least time from the end of each group on each unit to the makespan, [group * units + unit], along
// the dearest path: a reader on the same unit may be in the same stage, one elsewhere needs a
// dispatch and a copy.
std::vector<Time> least_tails(const Problem& problem);

// For every set of units that may share the work that is left, any weights of them that add up to 1
// give a bound: the weighted sum over these units of
//
//   time until free + dispatch + least tail of what may run there last,
//
// and over the groups left of their least weighted cost. Where everything leads to one last group on a
// known unit, that unit works in two stages if others share the work, or waits for them. The bound
// is the least over all sets; weights are chosen once, for everything left to do.
class WorkBound {
 public:
  // At most 64 groups when `at_least` is to be asked about states; at most 8 units.
  explicit WorkBound(const Problem& problem);

  // With nothing done.
  Time at_least() const;

  // With the groups of a bit mask done, and per unit the earliest start of a stage.
  Time at_least(std::uint64_t done, const std::vector<Time>& free);

 private:
  struct Share {
    std::uint64_t units = 0;
    std::vector<double> weight;  // per unit
    double fixed = 0.0;          // weighted dispatches and tails
    double work = 0.0;           // weighted work of all groups, huge if the units can't do it
  };

  void find_last();
  void find_ends();
  bool weigh(Share& share) const;
  double shared(const Share& share, double left, const std::vector<Time>& free) const;
  Time wait(std::uint64_t units, const std::vector<Time>& free) const;
  double deal(Share& share, std::vector<double>& load) const;
  Index cheapest(const Share& share, Index group) const;
  const std::vector<double>& left(std::uint64_t done);

  const Problem& problem_;
  Index count_ = 0;             // groups that count as work: all but the last one, if there is one
  Index last_unit_ = kNone;     // of the last group, if everything leads to one and it has one unit
  std::vector<Time> tail_;      // per unit: dispatch and least tail
  std::vector<Time> shortest_;  // per unit: least cost of a group
  std::vector<Share> shares_;
  std::unordered_map<std::uint64_t, std::vector<double>> left_;
};

}  // namespace hetsched::place
