#include "place/prices.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace hetsched::place {

namespace {

constexpr double kTiny = 1e-10;
constexpr int kMostPivots = 2000;
constexpr double kNewShare = 0.7;   // how far to go from the best prices to the game's
constexpr double kEnough = 2e-5;    // relative distance to the best possible bound

// Weights that make the least of the weighted loads as high as can be, and that value. Simplex
// method on the other player's side: maximise sum y with sum_k y_k load_k[u] <= 1 for every unit.
std::pair<std::vector<double>, double> solve_game(const std::vector<std::vector<Time>>& loads) {
  const std::size_t units = loads.front().size();
  const std::size_t count = loads.size();
  const std::size_t last = count + units;
  double scale = 1;
  for (const auto& load : loads) {
    for (const Time each : load) scale = std::max(scale, static_cast<double>(each));
  }
  std::vector<std::vector<double>> rows(units + 1, std::vector<double>(last + 1, 0.0));
  for (std::size_t u = 0; u < units; ++u) {
    for (std::size_t k = 0; k < count; ++k) rows[u][k] = static_cast<double>(loads[k][u]) / scale;
    rows[u][count + u] = 1;
    rows[u][last] = 1;
  }
  std::fill_n(rows[units].begin(), count, -1.0);
  for (int pivot = 0; pivot < kMostPivots; ++pivot) {
    const auto least = std::min_element(rows[units].begin(), rows[units].end() - 1);
    if (*least > -kTiny) break;
    const auto column = static_cast<std::size_t>(least - rows[units].begin());
    std::size_t row = units;
    for (std::size_t u = 0; u < units; ++u) {
      if (rows[u][column] <= kTiny) continue;
      if (row == units || rows[u][last] / rows[u][column] < rows[row][last] / rows[row][column]) {
        row = u;
      }
    }
    if (row == units) break;
    const double by = rows[row][column];
    for (double& each : rows[row]) each /= by;
    for (std::size_t u = 0; u <= units; ++u) {
      const double times = rows[u][column];
      if (u == row || times == 0) continue;
      for (std::size_t k = 0; k <= last; ++k) rows[u][k] -= times * rows[row][k];
    }
  }
  std::vector<double> weight(units);
  for (std::size_t u = 0; u < units; ++u) weight[u] = std::max(0.0, rows[units][count + u]);
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  if (sum <= 0) return {std::vector<double>(units, 1.0 / static_cast<double>(units)), 0};
  for (double& each : weight) each /= sum;
  return {weight, scale / sum};
}

// Integers in proportion to the weights whose sum is kPriceSum.
std::vector<Time> rounded(const std::vector<double>& weight) {
  std::vector<Time> price;
  for (const double each : weight) {
    price.push_back(std::llround(each * static_cast<double>(kPriceSum)));
  }
  const Time sum = std::accumulate(price.begin(), price.end(), Time{0});
  *std::max_element(price.begin(), price.end()) += kPriceSum - sum;
  return price;
}

}  // namespace

std::vector<Priced> best_prices(const Oracle& oracle, const std::vector<Time>& start, int rounds) {
  std::vector<Priced> tried;
  std::vector<std::vector<Time>> loads;
  std::vector<Time> price = start;
  Priced best;
  for (int round = 0; round < rounds; ++round) {
    Answer answer = oracle(price);
    tried.push_back({price, answer.value});
    if (round == 0 || answer.value > best.value) best = tried.back();
    if (answer.load.empty()) break;
    loads.push_back(std::move(answer.load));
    const auto [weight, most] = solve_game(loads);
    const double reached = static_cast<double>(best.value) / static_cast<double>(kPriceSum);
    if (most - reached <= kEnough * most) break;
    std::vector<double> mixed(weight);
    for (std::size_t u = 0; u < mixed.size(); ++u) {
      mixed[u] = kNewShare * weight[u] + (1 - kNewShare) * static_cast<double>(best.price[u]) /
                                             static_cast<double>(kPriceSum);
    }
    price = rounded(mixed);
  }
  std::stable_sort(tried.begin(), tried.end(),
                   [](const Priced& a, const Priced& b) { return a.value > b.value; });
  return tried;
}

std::vector<Time> rough_prices(const Problem& problem, int rounds) {
  const auto units = static_cast<std::size_t>(problem.units());
  const Oracle oracle = [&](const std::vector<Time>& price) {
    Answer answer{0, std::vector<Time>(units, 0)};
    for (Index group = 0; group < problem.groups(); ++group) {
      Index best = kNone;
      for (const Index unit : problem.units_of(group)) {
        const auto at = static_cast<std::size_t>(unit);
        if (best == kNone || price[at] * problem.cost(group, unit) <
                                 price[static_cast<std::size_t>(best)] * problem.cost(group, best)) {
          best = unit;
        }
      }
      if (best == kNone) continue;
      const auto at = static_cast<std::size_t>(best);
      answer.load[at] += problem.cost(group, best);
      answer.value += price[at] * problem.cost(group, best);
    }
    return answer;
  };
  const std::vector<double> even(units, 1.0 / static_cast<double>(units));
  return best_prices(oracle, rounded(even), rounds).front().price;
}

}  // namespace hetsched::place
