#include "place/frontier.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

constexpr std::size_t kSlots = 15;   // live tensors at a time; one more for the path's last unit
constexpr Index kMostUnits = 8;

// 16 fields: for a tensor its maker + 1 in the low byte and its holders in the high one.
using State = std::array<std::uint16_t, kSlots + 1>;

struct StateHash {
  std::size_t operator()(const State& state) const {
    std::uint64_t mixed = 0x9e3779b97f4a7c15ULL;
    for (std::size_t i = 0; i < state.size(); i += 4) {
      const std::uint64_t word = static_cast<std::uint64_t>(state[i]) |
                                 static_cast<std::uint64_t>(state[i + 1]) << 16U |
                                 static_cast<std::uint64_t>(state[i + 2]) << 32U |
                                 static_cast<std::uint64_t>(state[i + 3]) << 48U;
      mixed = (mixed ^ word) * 0xbf58476d1ce4e5b9ULL;
      mixed ^= mixed >> 29U;
    }
    return static_cast<std::size_t>(mixed);
  }
};

std::uint16_t field(Index maker, unsigned holders) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(maker + 1) | holders << 8U);
}

// What a group reads, makes and forgets.
struct Step {
  bool on_path = false;
  std::vector<std::pair<std::size_t, Index>> reads;           // slot, edge
  std::vector<std::size_t> makes;                             // slots
  std::vector<std::pair<std::size_t, unsigned>> afterwards;   // slot, units that may still read it
};

struct Node {
  State state;
  Time cost;
};

struct Way {
  std::int32_t parent;
  std::int8_t unit;
};

class Program {
 public:
  explicit Program(const Problem& problem) : problem_(problem), steps_(z(problem.groups())) {
    mark_path();
    fits_ = problem.units() <= kMostUnits && assign_slots();
  }

  bool fits() const { return fits_; }

  FrontierResult run(const std::vector<Time>& price, const FrontierOptions& options) {
    const std::vector<Time> rest = remaining(price);
    std::vector<Node> now{{start_, 0}};
    std::vector<std::vector<Way>> ways(steps_.size());
    Time dropped = options.upper;
    for (Index group = 0; group < problem_.groups(); ++group) {
      const Time most = options.upper - rest[z(group) + 1];
      std::vector<Node> next;
      advance(group, price, most, now, next, ways[z(group)]);
      dropped = std::min(dropped, thin_out(next, ways[z(group)], options.states,
                                           rest[z(group) + 1]));
      now.swap(next);
    }
    FrontierResult result;
    result.bound = dropped;
    if (now.empty()) return result;
    std::size_t best = 0;
    for (std::size_t i = 1; i < now.size(); ++i) {
      if (now[i].cost < now[best].cost) best = i;
    }
    result.bound = std::min(dropped, now[best].cost);
    result.unit.assign(steps_.size(), kNone);
    auto at = static_cast<std::int32_t>(best);
    for (std::size_t group = steps_.size(); group-- > 0;) {
      result.unit[group] = ways[group][static_cast<std::size_t>(at)].unit;
      at = ways[group][static_cast<std::size_t>(at)].parent;
    }
    result.load = loads(result.unit);
    return result;
  }

 private:
  void mark_path() {
    std::vector<Index> length(steps_.size(), 1);
    std::vector<Index> before(steps_.size(), kNone);
    Index last = 0;
    for (Index group = 0; group < problem_.groups(); ++group) {
      for (const Index each : problem_.predecessors(group)) {
        if (length[z(each)] + 1 > length[z(group)]) {
          length[z(group)] = length[z(each)] + 1;
          before[z(group)] = each;
        }
      }
      if (length[z(group)] > length[z(last)]) last = group;
    }
    for (Index group = last; group != kNone; group = before[z(group)]) steps_[z(group)].on_path = true;
  }

  bool assign_slots() {
    std::vector<std::size_t> slot(z(problem_.edges()), 0);
    std::array<Index, kSlots> owner;
    owner.fill(kNone);
    start_.fill(0);
    const auto enter = [&](Index e) {
      if (problem_.edge(e).consumers.empty()) return true;
      const auto free = std::find(owner.begin(), owner.end(), kNone);
      if (free == owner.end()) return false;
      *free = e;
      slot[z(e)] = static_cast<std::size_t>(free - owner.begin());
      return true;
    };
    for (Index e = 0; e < problem_.edges(); ++e) {
      if (problem_.edge(e).producer != kNone) continue;
      if (!enter(e)) return false;
      if (!problem_.edge(e).consumers.empty()) {
        start_[slot[z(e)]] = field(problem_.home(), 1U << static_cast<unsigned>(problem_.home()));
      }
    }
    for (Index group = 0; group < problem_.groups(); ++group) {
      Step& step = steps_[z(group)];
      for (const Index e : problem_.reads(group)) step.reads.emplace_back(slot[z(e)], e);
      for (const Index e : problem_.writes(group)) {
        if (!enter(e)) return false;
        if (!problem_.edge(e).consumers.empty()) step.makes.push_back(slot[z(e)]);
      }
      for (const auto& [at, e] : step.reads) {
        const unsigned readers = later_readers(e, group);
        step.afterwards.emplace_back(at, readers);
        if (readers == 0) owner[at] = kNone;
      }
    }
    return true;
  }

  unsigned later_readers(Index e, Index group) const {
    unsigned readers = 0;
    for (const Index reader : problem_.edge(e).consumers) {
      if (reader <= group) continue;
      for (const Index unit : problem_.units_of(reader)) readers |= 1U << static_cast<unsigned>(unit);
    }
    return readers;
  }

  // Least cost of the groups from each one on, without copies.
  std::vector<Time> remaining(const std::vector<Time>& price) const {
    std::vector<Time> rest(steps_.size() + 1, 0);
    for (Index group = problem_.groups(); group-- > 0;) {
      Time least = kNever;
      for (const Index unit : problem_.units_of(group)) {
        least = std::min(least, price[z(unit)] * problem_.cost(group, unit));
      }
      rest[z(group)] = std::min(kNever, rest[z(group) + 1] + least);
    }
    return rest;
  }

  void advance(Index group, const std::vector<Time>& price, Time most, const std::vector<Node>& now,
               std::vector<Node>& next, std::vector<Way>& ways) const {
    std::unordered_map<State, std::int32_t, StateHash> known;
    known.reserve(now.size() * 2);
    for (std::size_t i = 0; i < now.size(); ++i) {
      for (const Index unit : problem_.units_of(group)) {
        State state = now[i].state;
        const Time cost = now[i].cost + price[z(unit)] * run(group, unit, state);
        if (cost > most) continue;
        const auto [found, fresh] = known.try_emplace(state, static_cast<std::int32_t>(next.size()));
        const Way way{static_cast<std::int32_t>(i), static_cast<std::int8_t>(unit)};
        if (fresh) {
          next.push_back({state, cost});
          ways.push_back(way);
        } else if (cost < next[static_cast<std::size_t>(found->second)].cost) {
          next[static_cast<std::size_t>(found->second)].cost = cost;
          ways[static_cast<std::size_t>(found->second)] = way;
        }
      }
    }
  }

  // Runs a group on a unit: its time there, and the state after it.
  Time run(Index group, Index unit, State& state) const {
    const Step& step = steps_[z(group)];
    const unsigned here = 1U << static_cast<unsigned>(unit);
    Time time = problem_.cost(group, unit);
    for (const auto& [at, e] : step.reads) {
      const auto maker = static_cast<Index>(state[at] & 0xffU) - 1;
      const unsigned holders = state[at] >> 8U;
      if ((holders & here) != 0) continue;
      time += problem_.transfer(e, maker, unit);
      state[at] = field(maker, holders | here);
    }
    if (step.on_path) {
      if (state[kSlots] != unit + 1) time += problem_.dispatch(unit);
      state[kSlots] = static_cast<std::uint16_t>(unit + 1);
    }
    for (const auto& [at, readers] : step.afterwards) {
      const unsigned kept = (static_cast<unsigned>(state[at]) >> 8U) & readers;
      state[at] = readers == 0 ? std::uint16_t{0}
                               : field(static_cast<Index>(state[at] & 0xffU) - 1, kept);
    }
    for (const std::size_t at : step.makes) state[at] = field(unit, here);
    return time;
  }

  // Drops all but the cheapest states; returns the least sum that a dropped one could end with.
  static Time thin_out(std::vector<Node>& nodes, std::vector<Way>& ways, std::int64_t most,
                       Time rest) {
    if (std::ssize(nodes) <= most) return kNever;
    std::vector<std::size_t> order(nodes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto cheaper = [&](std::size_t a, std::size_t b) {
      return nodes[a].cost != nodes[b].cost ? nodes[a].cost < nodes[b].cost : a < b;
    };
    std::nth_element(order.begin(), order.begin() + most, order.end(), cheaper);
    const Time dropped = nodes[order[static_cast<std::size_t>(most)]].cost + rest;
    order.resize(static_cast<std::size_t>(most));
    std::sort(order.begin(), order.end());
    std::vector<Node> kept;
    std::vector<Way> kept_ways;
    for (const std::size_t i : order) {
      kept.push_back(nodes[i]);
      kept_ways.push_back(ways[i]);
    }
    nodes.swap(kept);
    ways.swap(kept_ways);
    return dropped;
  }

  std::vector<Time> loads(const std::vector<Index>& unit) const {
    std::vector<Time> load(z(problem_.units()), 0);
    State state = start_;
    for (Index group = 0; group < problem_.groups(); ++group) {
      load[z(unit[z(group)])] += run(group, unit[z(group)], state);
    }
    return load;
  }

  const Problem& problem_;
  std::vector<Step> steps_;
  State start_{};
  bool fits_ = false;
};

// Integer weights of about 2^20 in total.
std::vector<Time> scaled(const std::vector<double>& weight) {
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  std::vector<Time> result;
  for (const double each : weight) {
    result.push_back(std::max<Time>(1, std::llround(each / sum * 1048576.0)));
  }
  return result;
}

}  // namespace

FrontierResult frontier(const Problem& problem, const std::vector<Time>& price,
                        const FrontierOptions& options) {
  Program program(problem);
  if (!program.fits() || problem.groups() == 0) return {};
  return program.run(price, options);
}

Time balance_bound(const Problem& problem, const BalanceOptions& options) {
  Program program(problem);
  if (!program.fits() || problem.groups() == 0) return 0;
  const auto begun = std::chrono::steady_clock::now();
  const std::chrono::duration<double> allowed(options.seconds);
  std::vector<double> weight(z(problem.units()), 1.0);
  Time best = 0;
  for (int round = 0; round < options.rounds; ++round) {
    if (round > 0 && std::chrono::steady_clock::now() - begun > allowed) break;
    const std::vector<Time> price = scaled(weight);
    const Time sum = std::accumulate(price.begin(), price.end(), Time{0});
    const Time upper = options.upper >= kNever / sum ? kNever : options.upper * sum;
    const FrontierResult found = program.run(price, {upper, options.states});
    best = std::max(best, (found.bound + sum - 1) / sum);
    const double enough = (1 - options.gap) * static_cast<double>(options.upper);
    if (found.load.empty() || static_cast<double>(best) >= enough) break;
    const double most =
        static_cast<double>(*std::max_element(found.load.begin(), found.load.end()));
    if (most <= 0) break;
    const double step = 0.6 / (1.0 + 0.15 * round);
    for (std::size_t u = 0; u < weight.size(); ++u) {
      weight[u] *= std::exp(step * (static_cast<double>(found.load[u]) / most - 0.5));
    }
  }
  return std::min(best, options.upper);
}

}  // namespace hetsched::place
