#include "place/frontier.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "place/states.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t kHurried = 128;  // states when it is late

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
  explicit Program(const Problem& problem) : problem_(problem), states_(problem) {}

  bool fits() const { return states_.fits(); }

  FrontierResult run(const std::vector<Time>& price, const FrontierOptions& options) {
    const std::vector<Time> rest = states_.remaining(price);
    std::vector<Node> now{{states_.start(), 0}};
    std::vector<std::vector<Way>> ways(z(problem_.groups()));
    Time dropped = options.upper;
    const auto begun = std::chrono::steady_clock::now();
    const std::chrono::duration<double> allowed(options.seconds);
    for (Index group = 0; group < problem_.groups(); ++group) {
      const Time top = options.upper - rest[z(group) + 1];
      std::vector<Node> next;
      advance(group, price, top, now, next, ways[z(group)]);
      const bool late = std::chrono::steady_clock::now() - begun > allowed;
      const std::int64_t most = late ? std::min(options.states, kHurried) : options.states;
      dropped = std::min(dropped, thin_out(next, ways[z(group)], most, rest[z(group) + 1]));
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
    result.unit.assign(ways.size(), kNone);
    auto at = static_cast<std::int32_t>(best);
    for (std::size_t group = ways.size(); group-- > 0;) {
      result.unit[group] = ways[group][static_cast<std::size_t>(at)].unit;
      at = ways[group][static_cast<std::size_t>(at)].parent;
    }
    return result;
  }

 private:
  void advance(Index group, const std::vector<Time>& price, Time most, const std::vector<Node>& now,
               std::vector<Node>& next, std::vector<Way>& ways) const {
    std::unordered_map<State, std::int32_t, StateHash> known;
    known.reserve(now.size() * 2);
    for (std::size_t i = 0; i < now.size(); ++i) {
      for (const Index unit : problem_.units_of(group)) {
        State state = now[i].state;
        const Time cost = now[i].cost + price[z(unit)] * states_.run(group, unit, state);
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

  const Problem& problem_;
  States states_;
};

}  // namespace

FrontierResult frontier(const Problem& problem, const std::vector<Time>& price,
                        const FrontierOptions& options) {
  Program program(problem);
  if (!program.fits() || problem.groups() == 0) return {};
  return program.run(price, options);
}

}  // namespace hetsched::place
