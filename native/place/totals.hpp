// What a sequence keeps each unit busy for: the quick evaluation for searches that don't ask when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "place/problem.hpp"
#include "place/schedule.hpp"

namespace hetsched::place {

// Holds the problem in the order of access and its own buffers: an evaluation allocates nothing.
class Totals {
 public:
  explicit Totals(const Problem& problem);

  // Forms the stages of a sequence and adds up the units' times. False where a limit of memory or of
  // stages per unit is broken.
  bool run(const Sequence& sequence);

  // Per unit, of the last run.
  const std::vector<Time>& busy() const { return busy_; }

 private:
  struct Tensor {
    Index stage = kNone;  // that makes it
    Index unit = kNone;   // that makes it
    std::uint64_t held = 0;
  };

  bool joins(Index group, Index open) const;
  bool within_limits() const;

  const Problem& problem_;
  std::size_t units_;
  Rows reads_;
  Rows writes_;
  std::vector<Time> cost_;      // [group * units + unit]
  std::vector<Time> transfer_;  // [(edge * units + from) * units + to]
  std::vector<Tensor> start_;   // per edge
  std::vector<Tensor> tensor_;  // per edge
  std::vector<Index> open_;     // per unit: its latest stage
  std::vector<Time> busy_;
  std::vector<Index> stages_;   // per unit
  std::vector<std::int64_t> memory_;
};

}  // namespace hetsched::place
