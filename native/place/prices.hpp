// Prices on the units' time: weights under which the cheapest placement is as dear as can be.
//
// No schedule's busiest unit is less busy than the weighted mean of all units, so the cheapest
// weighted mean is a bound, and the best weights are those of a Lagrangian relaxation. They are found
// by cutting planes: loads seen so far make a small game whose solution is the next weights to try.
#pragma once

#include <functional>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

// All weights are integers with this sum.
inline constexpr int kPriceBits = 16;
inline constexpr Time kPriceSum = Time{1} << kPriceBits;

struct Priced {
  std::vector<Time> price;
  Time value = 0;  // least weighted sum
};

struct Answer {
  Time value = 0;          // least weighted sum under the prices asked about, or a bound on it
  std::vector<Time> load;  // units' times that (nearly) have it
};

using Oracle = std::function<Answer(const std::vector<Time>&)>;

// Asks the oracle at most `rounds` times. Best first, all that were tried.
std::vector<Priced> best_prices(const Oracle& oracle, const std::vector<Time>& start, int rounds);

// Prices that are good for the groups by themselves, without copies and dispatches.
std::vector<Time> rough_prices(const Problem& problem, int rounds);

}  // namespace hetsched::place
