#include "place/goal.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace hetsched::place {

Scorer::Scorer(const Problem& problem, Goal goal)
    : goal_(std::move(goal)), evaluator_(problem), totals_(problem) {}

Time Scorer::score(const Sequence& sequence) {
  if (goal_.kind == Goal::Kind::kLatency) return evaluator_.makespan(sequence);
  if (!totals_.run(sequence)) return kNever;
  if (goal_.kind == Goal::Kind::kTotal) return total();
  if (goal_.kind == Goal::Kind::kEven) return even();
  const std::vector<Time>& busy = totals_.busy();
  const Time sum = std::accumulate(busy.begin(), busy.end(), Time{0});
  return *std::max_element(busy.begin(), busy.end()) + sum / 128;
}

Time Scorer::total() const {
  const std::vector<Time>& busy = totals_.busy();
  return std::inner_product(busy.begin(), busy.end(), goal_.price.begin(), Time{0});
}

Time Scorer::even() const {
  const std::vector<Time>& busy = totals_.busy();
  const auto most = static_cast<double>(*std::max_element(busy.begin(), busy.end()));
  if (most <= 0) return 0;
  double sum = 0;
  for (const Time each : busy) {
    const double part = static_cast<double>(each) / most;
    const double square = part * part;
    const double fourth = square * square;
    sum += fourth * fourth;
  }
  return static_cast<Time>(most * std::sqrt(std::sqrt(std::sqrt(sum))));
}

}  // namespace hetsched::place
