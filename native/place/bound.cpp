#include "place/bound.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "place/weights.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

// Earliest time at which a group on `unit` can have its input `e` there, dispatch included.
Time arrival(const Problem& problem, const std::vector<Time>& ends, Index e, Index unit) {
  const Index producer = problem.edge(e).producer;
  const Time fresh = problem.dispatch(unit);
  if (producer == kNone) {
    return fresh + (unit == problem.home() ? 0 : problem.transfer(e, problem.home(), unit));
  }
  Time best = kNever;
  for (const Index source : problem.units_of(producer)) {
    Time there = ends[z(producer) * z(problem.units()) + z(source)];
    if (source != unit) there += fresh + problem.transfer(e, source, unit);
    best = std::min(best, there);
  }
  return best;
}

}  // namespace

std::vector<Time> earliest_ends(const Problem& problem) {
  std::vector<Time> ends(z(problem.groups()) * z(problem.units()), kNever);
  for (Index group = 0; group < problem.groups(); ++group) {
    for (const Index unit : problem.units_of(group)) {
      Time ready = problem.dispatch(unit);
      for (const Index e : problem.reads(group)) {
        ready = std::max(ready, arrival(problem, ends, e, unit));
      }
      ends[z(group) * z(problem.units()) + z(unit)] =
          std::min(kNever, ready + problem.cost(group, unit));
    }
  }
  return ends;
}

Time path_bound(const Problem& problem) {
  const std::vector<Time> ends = earliest_ends(problem);
  Time bound = 0;
  for (Index group = 0; group < problem.groups(); ++group) {
    const auto first = ends.begin() + static_cast<std::ptrdiff_t>(z(group) * z(problem.units()));
    bound = std::max(bound, *std::min_element(first, first + problem.units()));
  }
  return bound;
}

LoadBound load_bound(const Problem& problem, std::uint64_t units, bool all_used) {
  const auto in = [&](Index u) { return (units >> u & 1) != 0; };
  LoadBound best{units, std::vector<double>(z(problem.units()), 0.0), 0};
  for (Index u = 0; u < problem.units(); ++u) {
    if (in(u)) best.weight[z(u)] = 1.0 / std::popcount(units);
  }
  std::vector<double> weight = best.weight;
  std::vector<double> load(weight.size());
  double best_value = -1.0;
  const int rounds = std::popcount(units) == 1 ? 1 : 100;
  for (int round = 0; round < rounds; ++round) {
    double value = 0.0;
    for (Index u = 0; u < problem.units(); ++u) {
      load[z(u)] = all_used && in(u) ? static_cast<double>(problem.dispatch(u)) : 0.0;
      value += weight[z(u)] * load[z(u)];
    }
    for (Index group = 0; group < problem.groups(); ++group) {
      double least = static_cast<double>(kNever);
      Index at = kNone;
      for (const Index unit : problem.units_of(group)) {
        const double weighted = weight[z(unit)] * static_cast<double>(problem.cost(group, unit));
        if (!in(unit) || weighted >= least) continue;
        least = weighted;
        at = unit;
      }
      if (at == kNone) return {units, std::move(best.weight), kNever};
      value += least;
      load[z(at)] += static_cast<double>(problem.cost(group, at));
    }
    if (value > best_value) {
      best_value = value;
      best.weight = weight;
    }
    if (!raise_weights(weight, load, round)) break;
  }
  // Rounded down, with room for the sums' rounding errors.
  best.bound = static_cast<Time>(std::floor(std::max(0.0, best_value * (1.0 - 1e-12))));
  return best;
}

Time load_bound(const Problem& problem) {
  if (problem.groups() == 0) return 0;
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - problem.units());
  if (problem.units() > 8) return load_bound(problem, all, false).bound;
  Time least = kNever;
  for (std::uint64_t units = 1; units < std::uint64_t{1} << problem.units(); ++units) {
    least = std::min(least, load_bound(problem, units).bound);
  }
  return least;
}

}  // namespace hetsched::place
