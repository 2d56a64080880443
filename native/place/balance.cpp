#include "place/balance.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "place/layers.hpp"
#include "place/prices.hpp"
#include "place/states.hpp"

namespace hetsched::place {

namespace {

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr int kRounds = 60;
constexpr int kFewRounds = 200;
constexpr std::int64_t kFewStates = 2'000;
constexpr std::size_t kMostPrices = 12;
constexpr std::size_t kMostEnds = 8;
constexpr std::size_t kLeastWidth = 2;

using Loads = std::array<Time, kMostUnits>;

struct Label {
  Time least;  // weighted sum (times kPriceSum) that no end of it is below
  std::int32_t node;
  std::int32_t parent;
  Index unit;
  Loads low;   // what the units have done at least
  Loads real;  // and along the way that was kept
};

struct Way {
  std::int32_t parent;
  std::int8_t unit;
};

class Search {
 public:
  Search(const Problem& problem, const Layers& graph, const std::vector<Priced>& prices,
         const BalanceOptions& options)
      : units_(z(problem.units())), graph_(graph), options_(options) {
    for (const Priced& each : prices) {
      if (price_.size() == kMostPrices) break;
      price_.push_back(each.price);
      const auto rest = costs_to_end(graph, each.price);
      rest_.resize(rest.size());
      for (std::size_t group = 0; group < rest.size(); ++group) rest_[group].push_back(rest[group]);
    }
    top_ = options.upper * kPriceSum;
    grain_ = std::max<Time>(1, options.upper / options.grain);
  }

  // Runs all layers; false where `late` stopped it.
  bool run(const std::function<bool()>& late) {
    std::vector<Label> now(1);
    now[0] = {0, 0, kNone, kNone, {}, {}};
    ways_.resize(graph_.layers.size());
    least_ = top_;
    for (std::size_t group = 0; group < graph_.layers.size(); ++group) {
      if (late()) return false;
      std::vector<Label> next = extend(group, now);
      thin_out(next);
      for (const Label& label : next) {
        ways_[group].push_back({label.parent, static_cast<std::int8_t>(label.unit)});
      }
      now.swap(next);
    }
    for (const Label& label : now) least_ = std::min(least_, label.least);
    ends_ = std::move(now);
    return true;
  }

  Time bound() const { return (least_ + kPriceSum - 1) / kPriceSum; }

  std::vector<std::vector<Index>> units() const {
    std::vector<std::pair<Time, std::size_t>> order;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
      order.emplace_back(*std::max_element(ends_[i].real.begin(), ends_[i].real.end()), i);
    }
    std::sort(order.begin(), order.end());
    if (order.size() > kMostEnds) order.resize(kMostEnds);
    std::vector<std::vector<Index>> found;
    for (const auto& [value, end] : order) {
      std::vector<Index> unit(ways_.size());
      auto at = static_cast<std::int32_t>(end);
      for (std::size_t group = ways_.size(); group-- > 0;) {
        unit[group] = ways_[group][z(at)].unit;
        at = ways_[group][z(at)].parent;
      }
      found.push_back(std::move(unit));
    }
    return found;
  }

 private:
  // What an end of the label has at least: the busiest unit so far, and each price's weighted sum.
  Time least(std::size_t group, const Label& label) const {
    Time most = 0;
    for (std::size_t u = 0; u < units_; ++u) most = std::max(most, label.low[u]);
    most *= kPriceSum;
    for (std::size_t k = 0; k < price_.size() && most < top_; ++k) {
      Time sum = rest_[group][k][z(label.node)];
      for (std::size_t u = 0; u < units_; ++u) sum += price_[k][u] * label.low[u];
      most = std::max(most, sum);
    }
    return most;
  }

  std::size_t cell(const Label& label) const {
    std::uint64_t mixed = static_cast<std::uint64_t>(label.node) + 0x9e3779b97f4a7c15ULL;
    for (std::size_t u = 0; u < units_; ++u) {
      mixed = (mixed ^ static_cast<std::uint64_t>(label.low[u] / grain_)) * 0xbf58476d1ce4e5b9ULL;
      mixed ^= mixed >> 29U;
    }
    return static_cast<std::size_t>(mixed);
  }

  // One label joins another of its state: the loads they share, and the more promising way.
  void join(std::size_t group, Label& into, const Label& other) const {
    Loads low = into.low;
    for (std::size_t u = 0; u < units_; ++u) low[u] = std::min(low[u], other.low[u]);
    if (other.least < into.least) into = other;
    into.low = low;
    into.least = std::min(into.least, least(group, into));
  }

  std::vector<Label> extend(std::size_t group, const std::vector<Label>& now) const {
    const Layer& layer = graph_.layers[group];
    std::vector<Label> next;
    std::unordered_map<std::size_t, std::int32_t> known;
    known.reserve(now.size() * 2);
    for (std::size_t i = 0; i < now.size(); ++i) {
      for (auto a = layer.first[z(now[i].node)]; a < layer.first[z(now[i].node) + 1]; ++a) {
        const Arc& arc = layer.arcs[z(a)];
        Label label = now[i];
        label.node = arc.to;
        label.parent = static_cast<std::int32_t>(i);
        label.unit = arc.unit;
        label.low[z(arc.unit)] += arc.time;
        label.real[z(arc.unit)] += arc.time;
        label.least = std::max(now[i].least, least(group + 1, label));
        if (label.least >= top_) continue;
        const auto [at, fresh] =
            known.try_emplace(cell(label), static_cast<std::int32_t>(next.size()));
        if (fresh) {
          next.push_back(label);
        } else if (next[z(at->second)].node == label.node) {
          join(group + 1, next[z(at->second)], label);
        } else {
          next.push_back(label);  // another cell with the same hash
        }
      }
    }
    return next;
  }

  void thin_out(std::vector<Label>& labels) {
    if (std::ssize(labels) <= options_.labels) return;
    const auto last = labels.begin() + options_.labels;
    std::nth_element(labels.begin(), last, labels.end(), [](const Label& a, const Label& b) {
      if (a.least != b.least) return a.least < b.least;
      return a.parent != b.parent ? a.parent < b.parent : a.unit < b.unit;
    });
    least_ = std::min(least_, last->least);
    labels.erase(last, labels.end());
  }

  std::size_t units_;
  const Layers& graph_;
  const BalanceOptions& options_;
  std::vector<std::vector<Time>> price_;
  std::vector<std::vector<std::vector<Time>>> rest_;  // [group][price][node]
  Time top_ = 0;
  Time grain_ = 1;
  Time least_ = 0;  // of what was dropped
  std::vector<std::vector<Way>> ways_;
  std::vector<Label> ends_;
};

std::vector<Priced> priced(const Layers& graph, const std::vector<Time>& start, std::size_t units) {
  const Oracle oracle = [&](const std::vector<Time>& price) {
    const auto rest = costs_to_end(graph, price);
    if (rest[0][0] >= kNever) return Answer{kNever, {}};
    return Answer{rest[0][0], cheapest_loads(graph, price, rest, units)};
  };
  return best_prices(oracle, start, kRounds);
}

// The most detailed graph that the number of states allows.
Layers finest(const Problem& problem, const std::vector<Time>& price, Time top, std::int64_t most) {
  const std::size_t width = States(problem).width();
  std::vector<Detail> ladder{{width, true}};
  for (std::size_t w = width; w-- > kLeastWidth;) ladder.push_back({w, true});
  for (std::size_t w = width; w-- > kLeastWidth;) ladder.push_back({w, false});
  for (const Detail& each : ladder) {
    Layers graph = build_layers(problem, States(problem, each), price, top, most, true);
    if (graph.dropped >= kNever) return graph;
  }
  return build_layers(problem, States(problem, ladder.back()), price, top, most);
}

}  // namespace

BalanceResult balance(const Problem& problem, BalanceOptions options) {
  const States states(problem);
  if (!states.fits() || problem.groups() == 0) return {};
  const auto begun = std::chrono::steady_clock::now();
  const std::function<bool()> late = [&] {
    return std::chrono::steady_clock::now() - begun > std::chrono::duration<double>(options.seconds);
  };
  options.upper = std::min(options.upper, kNever / kPriceSum - 1);
  const Time top = options.upper * kPriceSum;
  const auto units = z(problem.units());
  std::vector<Time> price = rough_prices(problem, kFewRounds);
  Layers graph = build_layers(problem, states, price, top, std::min(options.states, kFewStates));
  std::vector<Priced> prices = priced(graph, price, units);
  if (graph.dropped < kNever && !late()) {
    price = prices.front().price;
    graph = options.whole ? finest(problem, price, top, options.states)
                          : build_layers(problem, states, price, top, options.states);
    prices = priced(graph, price, units);
  }
  const auto value = [&](Time sum) {
    return std::min(options.upper, (sum + kPriceSum - 1) / kPriceSum);
  };
  const Time most = value(graph.dropped);
  BalanceResult result{std::min(most, value(prices.front().value)), {}};
  if (prices.front().value >= top) return result;
  for (const Priced& each : prices) prune_layers(graph, each.price, top);
  if (options.labels < 1 || graph.ends == 0) return result;
  Search search(problem, graph, prices, options);
  if (!search.run(late)) return result;
  result.bound = std::max(result.bound, std::min(most, search.bound()));
  result.units = search.units();
  return result;
}

}  // namespace hetsched::place
