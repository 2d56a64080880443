#include "place/starts.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "place/bound.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

// The unit with the least cost, or `wanted` where it can run the group.
Index cheapest(const Problem& problem, Index group, Index wanted) {
  const auto units = problem.units_of(group);
  if (wanted != kNone && problem.allowed(group, wanted)) return wanted;
  return *std::min_element(units.begin(), units.end(), [&](Index u, Index v) {
    return problem.cost(group, u) < problem.cost(group, v);
  });
}

std::vector<Index> cheapest(const Problem& problem, Index wanted) {
  std::vector<Index> unit;
  for (Index g = 0; g < problem.groups(); ++g) unit.push_back(cheapest(problem, g, wanted));
  return unit;
}

// Each group where its first reader would have it from; groups that nobody reads where they end
// first.
std::vector<Index> along_paths(const Problem& problem) {
  const std::vector<Time> ends = earliest_ends(problem);
  std::vector<Index> unit(z(problem.groups()), 0);
  for (Index g = problem.groups() - 1; g >= 0; --g) {
    Time least = kNever;
    const auto after = problem.successors(g);
    for (const Index u : problem.units_of(g)) {
      Time time = ends[z(g) * z(problem.units()) + z(u)];
      if (after.size() > 0 && unit[z(after[0])] != u) {
        time += problem.dispatch(unit[z(after[0])]);
        for (const Index e : problem.writes(g)) {
          time += problem.transfer(e, u, unit[z(after[0])]);
        }
      }
      if (time >= least) continue;
      least = time;
      unit[z(g)] = u;
    }
  }
  return unit;
}

}  // namespace

Sequence best_start(const Problem& problem) {
  std::vector<std::vector<Index>> choices{along_paths(problem), cheapest(problem, kNone)};
  for (Index u = 0; u < problem.units(); ++u) choices.push_back(cheapest(problem, u));
  Sequence best;
  best.order.resize(z(problem.groups()));
  std::iota(best.order.begin(), best.order.end(), 0);
  best.breaks.assign(z(problem.groups()), 0);
  Sequence now = best;
  best.unit = choices.front();
  Evaluator evaluator(problem);
  Time least = evaluator.makespan(best);
  for (auto& choice : choices) {
    now.unit = std::move(choice);
    const Time time = evaluator.makespan(now);
    if (time >= least) continue;
    least = time;
    best.unit = now.unit;
  }
  return best;
}

}  // namespace hetsched::place
