// What a search compares sequences by.
#pragma once

#include <vector>

#include "place/problem.hpp"
#include "place/schedule.hpp"
#include "place/totals.hpp"

namespace hetsched::place {

struct Goal {
  // kLatency: the makespan.
  // kBusiest: the busiest unit's time plus a 128th of all units' time, which tells apart the many
  //           sequences with the same busiest unit.
  // kEven: the 8-norm of the units' times, smoother on the way there.
  // kTotal: the price of all units' time.
  enum class Kind { kLatency, kBusiest, kEven, kTotal };
  Kind kind = Kind::kLatency;
  std::vector<Time> price = {};  // kTotal: per unit, of a nanosecond
};

class Scorer {
 public:
  Scorer(const Problem& problem, Goal goal);

  // kNever where the sequence breaks a limit.
  Time score(const Sequence& sequence);

 private:
  Time total() const;
  Time even() const;

  Goal goal_;
  Evaluator evaluator_;
  Totals totals_;
};

}  // namespace hetsched::place
