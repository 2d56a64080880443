#include "place/work.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "place/weights.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }
bool has(std::uint64_t units, Index unit) { return (units >> unit & 1) != 0; }

constexpr double kMuch = 1e18;
constexpr int kRounds = 60;

}  // namespace

std::vector<Time> least_tails(const Problem& problem) {
  const Index units = problem.units();
  std::vector<Time> tails(z(problem.groups()) * z(units), 0);
  for (Index g = problem.groups() - 1; g >= 0; --g) {
    for (Index unit = 0; unit < units; ++unit) {
      Time most = 0;
      for (const Index e : problem.writes(g)) {
        for (const Index reader : problem.edge(e).consumers) {
          Time least = kNever;
          for (const Index to : problem.units_of(reader)) {
            const Time change =
                to == unit ? 0 : problem.dispatch(to) + problem.transfer(e, unit, to);
            least = std::min(least, change + problem.cost(reader, to) +
                                        tails[z(reader) * z(units) + z(to)]);
          }
          most = std::max(most, least);
        }
      }
      tails[z(g) * z(units) + z(unit)] = most;
    }
  }
  return tails;
}

WorkBound::WorkBound(const Problem& problem) : problem_(problem), count_(problem.groups()) {
  find_last();
  find_ends();
  for (std::uint64_t units = 1; units < std::uint64_t{1} << problem_.units(); ++units) {
    Share share;
    share.units = units;
    if (weigh(share)) shares_.push_back(std::move(share));
  }
}

// Everything leads to the last group iff every other group has a reader.
void WorkBound::find_last() {
  const Index last = problem_.groups() - 1;
  if (last < 1) return;
  for (Index g = 0; g < last; ++g) {
    if (problem_.successors(g).size() == 0) return;
  }
  count_ = last;
  if (problem_.units_of(last).size() == 1) last_unit_ = problem_.units_of(last)[0];
}

void WorkBound::find_ends() {
  const std::vector<Time> tails = least_tails(problem_);
  for (Index u = 0; u < problem_.units(); ++u) {
    Time tail = kNever;
    Time cost = kNever;
    for (Index g = 0; g < count_; ++g) {
      if (!problem_.allowed(g, u)) continue;
      tail = std::min(tail, tails[z(g) * z(problem_.units()) + z(u)]);
      cost = std::min(cost, problem_.cost(g, u));
    }
    tail_.push_back(std::min(kNever, tail + problem_.dispatch(u)));
    shortest_.push_back(cost);
  }
}

// The unit of the set on which the group's weighted cost is least, kNone if none can run it.
Index WorkBound::cheapest(const Share& share, Index group) const {
  double least = kMuch;
  Index at = kNone;
  for (const Index u : problem_.units_of(group)) {
    const double cost = share.weight[z(u)] * static_cast<double>(problem_.cost(group, u));
    if (!has(share.units, u) || cost >= least) continue;
    least = cost;
    at = u;
  }
  return at;
}

// Extra time of the last group's unit when others share the work: another dispatch, or waiting for
// the first of the others to end.
Time WorkBound::wait(std::uint64_t units, const std::vector<Time>& free) const {
  if (last_unit_ == kNone || !has(units, last_unit_) || std::popcount(units) < 2) return 0;
  Time first = kNever;
  for (Index u = 0; u < problem_.units(); ++u) {
    if (u == last_unit_ || !has(units, u)) continue;
    first = std::min(first, free[z(u)] + problem_.dispatch(u) + shortest_[z(u)]);
  }
  return std::clamp<Time>(first - free[z(last_unit_)], 0, problem_.dispatch(last_unit_));
}

// Deals every group to its least weighted unit: fills the units' loads, sets `fixed` and `work`, and
// returns the bound that the weights give, with groups that these units can't run left out.
double WorkBound::deal(Share& share, std::vector<double>& load) const {
  const double wait_ns =
      static_cast<double>(wait(share.units, std::vector<Time>(share.weight.size(), 0)));
  share.fixed = 0.0;
  double total = 0.0;
  for (Index u = 0; u < problem_.units(); ++u) {
    load[z(u)] = has(share.units, u) ? static_cast<double>(tail_[z(u)]) : 0.0;
    share.fixed += share.weight[z(u)] * load[z(u)];
    if (u == last_unit_ && has(share.units, u)) load[z(u)] += wait_ns;
    total += share.weight[z(u)] * load[z(u)];
  }
  share.work = 0.0;
  for (Index g = 0; g < count_; ++g) {
    const Index u = cheapest(share, g);
    if (u == kNone) {
      share.work = kMuch;
      continue;
    }
    const double cost = static_cast<double>(problem_.cost(g, u));
    load[z(u)] += cost;
    share.work += share.weight[z(u)] * cost;
    total += share.weight[z(u)] * cost;
  }
  return total;
}

// Multiplicative weights: units that end later than others get dearer. False when one of the units
// can't do any of the work. A set that can't do all of it now may do what is left later.
bool WorkBound::weigh(Share& share) const {
  std::vector<double> load(z(problem_.units()), 0.0);
  std::vector<double> weight(load.size(), 0.0);
  for (Index u = 0; u < problem_.units(); ++u) {
    if (!has(share.units, u)) continue;
    if (shortest_[z(u)] >= kNever) return false;
    weight[z(u)] = 1.0 / std::popcount(share.units);
  }
  Share best;
  double best_value = -1.0;
  const int rounds = std::popcount(share.units) == 1 ? 1 : kRounds;
  for (int round = 0; round < rounds; ++round) {
    share.weight = weight;
    const double value = deal(share, load);
    if (value > best_value) {
      best_value = value;
      best = share;
    }
    if (!raise_weights(weight, load, round)) break;
  }
  share = std::move(best);
  return true;
}

double WorkBound::shared(const Share& share, double left, const std::vector<Time>& free) const {
  double total = share.fixed + left;
  for (std::size_t u = 0; u < free.size(); ++u) {
    total += share.weight[u] * static_cast<double>(free[u]);
  }
  if (last_unit_ != kNone && has(share.units, last_unit_)) {
    total += share.weight[z(last_unit_)] * static_cast<double>(wait(share.units, free));
  }
  return total;
}

Time WorkBound::at_least() const {
  const std::vector<Time> free(z(problem_.units()), 0);
  double least = kMuch;
  for (const Share& share : shares_) least = std::min(least, shared(share, share.work, free));
  // Rounded down, with room for the sums' rounding errors.
  return problem_.groups() == 0 ? 0 : static_cast<Time>(std::min(least, kMuch) * (1.0 - 1e-12));
}

const std::vector<double>& WorkBound::left(std::uint64_t done) {
  auto [entry, fresh] = left_.try_emplace(done);
  if (!fresh) return entry->second;
  const std::uint64_t all = count_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count_) - 1;
  for (const Share& share : shares_) {
    double total = 0.0;
    for (std::uint64_t rest = all & ~done; rest != 0; rest &= rest - 1) {
      const Index g = std::countr_zero(rest);
      const Index u = cheapest(share, g);
      total += u == kNone ? kMuch : share.weight[z(u)] * static_cast<double>(problem_.cost(g, u));
    }
    entry->second.push_back(total);
  }
  // Nothing counts as work any more: no bound from here.
  if ((all & ~done) == 0) entry->second.clear();
  return entry->second;
}

Time WorkBound::at_least(std::uint64_t done, const std::vector<Time>& free) {
  const std::vector<double>& rest = left(done);
  if (rest.empty()) return 0;
  double least = kMuch;
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    least = std::min(least, shared(shares_[i], rest[i], free));
  }
  return static_cast<Time>(least * (1.0 - 1e-12));
}

}  // namespace hetsched::place
