#include "place/layers.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace hetsched::place {

namespace {

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t kHurried = 128;  // nodes per layer when it is late

// States of one layer with the least weighted time to reach them.
struct Frontier {
  std::vector<State> states;
  std::vector<Time> cost;
};

Frontier advance(const Problem& problem, const States& states, Index group,
                 const std::vector<Time>& price, Time most, const Frontier& now, Layer& layer) {
  Frontier next;
  std::unordered_map<State, std::int32_t, StateHash> known;
  known.reserve(now.states.size() * 2);
  for (std::size_t i = 0; i < now.states.size(); ++i) {
    layer.first.push_back(static_cast<std::int32_t>(layer.arcs.size()));
    for (const Index unit : problem.units_of(group)) {
      State state = now.states[i];
      const Time time = states.run(group, unit, state);
      const Time cost = now.cost[i] + price[z(unit)] * time;
      if (cost >= most) continue;
      const auto [found, fresh] = known.try_emplace(state, static_cast<std::int32_t>(next.cost.size()));
      if (fresh) {
        next.states.push_back(state);
        next.cost.push_back(cost);
      }
      next.cost[z(found->second)] = std::min(next.cost[z(found->second)], cost);
      layer.arcs.push_back({found->second, unit, time});
    }
  }
  layer.first.push_back(static_cast<std::int32_t>(layer.arcs.size()));
  return next;
}

// Keeps the nodes that are marked and renumbers them; arcs to others go.
void keep(Layer& layer, const std::vector<std::int32_t>& number) {
  std::vector<Arc> arcs;
  for (std::size_t i = 0; i + 1 < layer.first.size(); ++i) {
    const auto begin = arcs.size();
    for (auto a = layer.first[i]; a < layer.first[i + 1]; ++a) {
      Arc arc = layer.arcs[z(a)];
      arc.to = number[z(arc.to)];
      if (arc.to != kNone) arcs.push_back(arc);
    }
    layer.first[i] = static_cast<std::int32_t>(begin);
  }
  layer.first.back() = static_cast<std::int32_t>(arcs.size());
  layer.arcs.swap(arcs);
}

// Drops all but the cheapest states; returns the least cost of a dropped one.
Time thin_out(Frontier& next, Layer& layer, std::int64_t most) {
  if (std::ssize(next.cost) <= most) return kNever;
  std::vector<std::size_t> order(next.cost.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::nth_element(order.begin(), order.begin() + most, order.end(),
                   [&](std::size_t a, std::size_t b) {
                     return next.cost[a] != next.cost[b] ? next.cost[a] < next.cost[b] : a < b;
                   });
  const Time dropped = next.cost[order[z(most)]];
  order.resize(z(most));
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> number(next.cost.size(), kNone);
  Frontier kept;
  for (const std::size_t i : order) {
    number[i] = static_cast<std::int32_t>(kept.cost.size());
    kept.states.push_back(next.states[i]);
    kept.cost.push_back(next.cost[i]);
  }
  keep(layer, number);
  next = std::move(kept);
  return dropped;
}

}  // namespace

Layers build_layers(const Problem& problem, const States& states, const std::vector<Time>& price,
                    Time upper, std::int64_t most, const std::function<bool()>& late, bool whole) {
  const std::vector<Time> rest = states.remaining(price);
  Layers graph;
  graph.layers.resize(z(problem.groups()));
  Frontier now{{states.start()}, {0}};
  for (Index group = 0; group < problem.groups(); ++group) {
    const Time left = rest[z(group) + 1];
    if (late()) most = std::min(most, kHurried);
    Layer& layer = graph.layers[z(group)];
    Frontier next = advance(problem, states, group, price, upper - left, now, layer);
    const Time dropped = thin_out(next, layer, most);
    if (dropped < kNever) graph.dropped = std::min(graph.dropped, dropped + left);
    if (whole && dropped < kNever) return graph;
    now = std::move(next);
  }
  graph.ends = static_cast<std::int32_t>(now.cost.size());
  return graph;
}

void prune_layers(Layers& graph, const std::vector<Time>& price, Time upper) {
  const auto rest = costs_to_end(graph, price);
  std::vector<Time> cost{0};  // of the nodes kept, kNever of others
  for (std::size_t group = 0; group < graph.layers.size(); ++group) {
    const Layer& layer = graph.layers[group];
    Layer kept;
    std::vector<Time> after(rest[group + 1].size(), kNever);
    for (std::int32_t i = 0; i < layer.nodes(); ++i) {
      if (cost[z(i)] >= kNever) continue;
      kept.first.push_back(static_cast<std::int32_t>(kept.arcs.size()));
      for (auto a = layer.first[z(i)]; a < layer.first[z(i) + 1]; ++a) {
        const Arc& arc = layer.arcs[z(a)];
        const Time sum = cost[z(i)] + price[z(arc.unit)] * arc.time;
        if (sum + rest[group + 1][z(arc.to)] >= upper) continue;
        after[z(arc.to)] = std::min(after[z(arc.to)], sum);
        kept.arcs.push_back(arc);
      }
    }
    kept.first.push_back(static_cast<std::int32_t>(kept.arcs.size()));
    std::vector<std::int32_t> number(after.size(), kNone);
    graph.ends = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (after[i] < kNever) number[i] = graph.ends++;
    }
    for (Arc& arc : kept.arcs) arc.to = number[z(arc.to)];
    graph.layers[group] = std::move(kept);
    cost.swap(after);
  }
}

std::vector<std::vector<Time>> costs_to_end(const Layers& graph, const std::vector<Time>& price) {
  std::vector<std::vector<Time>> rest(graph.layers.size() + 1);
  rest.back().assign(z(graph.ends), 0);
  for (std::size_t group = graph.layers.size(); group-- > 0;) {
    const Layer& layer = graph.layers[group];
    rest[group].assign(z(layer.nodes()), kNever);
    for (std::int32_t i = 0; i < layer.nodes(); ++i) {
      Time& least = rest[group][z(i)];
      for (auto a = layer.first[z(i)]; a < layer.first[z(i) + 1]; ++a) {
        const Arc& arc = layer.arcs[z(a)];
        least = std::min(least, price[z(arc.unit)] * arc.time + rest[group + 1][z(arc.to)]);
      }
    }
  }
  return rest;
}

std::vector<Time> cheapest_loads(const Layers& graph, const std::vector<Time>& price,
                                 const std::vector<std::vector<Time>>& rest, std::size_t units) {
  std::vector<Time> load(units, 0);
  std::int32_t node = 0;
  for (std::size_t group = 0; group < graph.layers.size(); ++group) {
    const Layer& layer = graph.layers[group];
    const Arc* best = nullptr;
    Time least = kNever;
    for (auto a = layer.first[z(node)]; a < layer.first[z(node) + 1]; ++a) {
      const Arc& arc = layer.arcs[z(a)];
      const Time sum = price[z(arc.unit)] * arc.time + rest[group + 1][z(arc.to)];
      if (best == nullptr || sum < least) {
        best = &arc;
        least = sum;
      }
    }
    if (best == nullptr) break;
    load[z(best->unit)] += best->time;
    node = best->to;
  }
  return load;
}

}  // namespace hetsched::place
