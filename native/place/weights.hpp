// Weights of units for bounds by weighted loads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace hetsched::place {

// One step of multiplicative weights: units that carry more than others get dearer. The weights add
// up to 1 again. False, and nothing changes, where no unit carries anything.
// Source: Arora, Hazan, Kale, "The multiplicative weights update method", 2012.
inline bool raise_weights(std::vector<double>& weight, const std::vector<double>& load, int round) {
  const double most = *std::max_element(load.begin(), load.end());
  if (most <= 0.0) return false;
  const double step = 0.5 / std::sqrt(1.0 + round);
  double total = 0.0;
  for (std::size_t u = 0; u < weight.size(); ++u) {
    weight[u] *= std::exp(step * load[u] / most);
    total += weight[u];
  }
  for (double& each : weight) each /= total;
  return true;
}

}  // namespace hetsched::place
