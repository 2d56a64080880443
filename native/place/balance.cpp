#include "place/balance.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

#include "place/labels.hpp"
#include "place/states.hpp"

namespace hetsched::place {

namespace {

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr int kRounds = 60;
constexpr int kFewRounds = 200;
constexpr std::int64_t kFewStates = 2'000;
constexpr std::size_t kLeastWidth = 2;

// Says whether the seconds are over.
std::function<bool()> clock_of(double seconds) {
  const auto begun = std::chrono::steady_clock::now();
  return [=] {
    return std::chrono::steady_clock::now() - begun > std::chrono::duration<double>(seconds);
  };
}

std::vector<Priced> priced(const Layers& graph, const std::vector<Time>& start, std::size_t units,
                           const std::function<bool()>& late) {
  const Oracle oracle = [&](const std::vector<Time>& price) {
    const auto rest = costs_to_end(graph, price);
    if (rest[0][0] >= kNever || late()) return Answer{std::min(rest[0][0], kNever), {}};
    return Answer{rest[0][0], cheapest_loads(graph, price, rest, units)};
  };
  return best_prices(oracle, start, kRounds);
}

}  // namespace

Balance::Balance(const Problem& problem, GraphOptions options)
    : units_(z(problem.units())), upper_(std::min(options.upper, kNever / kPriceSum - 1)) {
  const States states(problem);
  fits_ = states.fits() && problem.groups() > 0;
  if (!fits_) return;
  const auto late = clock_of(options.seconds);
  std::vector<Time> price = rough_prices(problem, kFewRounds);
  const Time top = upper_ * kPriceSum;
  graph_ = build_layers(problem, states, price, top, std::min(options.states, kFewStates), late);
  complete_ = graph_.dropped >= kNever;
  prices_ = priced(graph_, price, units_, late);
  if (!complete_ && !late()) {
    build(problem, prices_.front().price, options, late);
    prices_ = priced(graph_, prices_.front().price, units_, late);
  }
  most_ = limited(graph_.dropped);
  bound_ = std::min(most_, limited(prices_.front().value));
}

// With `whole`, the most detailed graph that the number of states allows.
void Balance::build(const Problem& problem, const std::vector<Time>& price,
                    const GraphOptions& options, const std::function<bool()>& late) {
  const Time top = upper_ * kPriceSum;
  const std::size_t width = States(problem).width();
  std::vector<Detail> ladder{{width, true}};
  if (options.whole) {
    for (std::size_t w = width; w-- > kLeastWidth;) ladder.push_back({w, true});
    for (std::size_t w = width; w-- > kLeastWidth;) ladder.push_back({w, false});
  }
  for (const Detail& each : ladder) {
    const bool last = &each == &ladder.back();
    graph_ = build_layers(problem, States(problem, each), price, top, options.states, late, !last);
    complete_ = graph_.dropped >= kNever && each.width == width;
    if (graph_.dropped >= kNever) return;
  }
}

// A bound in ns from a weighted sum; no more than the value to beat.
Time Balance::limited(Time sum) const {
  return std::min(upper_, (sum + kPriceSum - 1) / kPriceSum);
}

LabelResult Balance::search(LabelOptions options) {
  if (!fits_) return {};
  const auto late = clock_of(options.seconds);
  upper_ = std::min(upper_, options.upper);
  const Time top = upper_ * kPriceSum;
  LabelResult result{std::min(bound_, upper_), {}};
  if (prices_.front().value >= top) return result;
  for (const Priced& each : prices_) {
    if (late()) return result;
    prune_layers(graph_, each.price, top);
  }
  if (graph_.ends == 0) {
    result.bound = std::min(most_, upper_);
    return result;
  }
  Labels labels(graph_, prices_, units_, upper_, options.labels, options.grain);
  labels.run(late);
  result.bound = std::max(result.bound, std::min({most_, upper_, labels.bound()}));
  result.units = labels.best_ends();
  bound_ = std::max(bound_, result.bound);
  return result;
}

}  // namespace hetsched::place
