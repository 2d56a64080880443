// Temperatures of a network of heat capacities, exact between changes of power.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/model.hpp"

namespace hetsched::sim {

// C dT/dt = P - G (T - air). In the modes of C^-1/2 G C^-1/2 each part decays by itself, so that a
// step of any length is one exponential per mode. Source: linear systems with constant input.
class Heat {
 public:
  explicit Heat(const HeatSpec& spec);
  void advance(Time now);
  // Since the last `advance` another power goes into the node, in mW more.
  void add_power(std::int32_t node, double mw);
  double temperature(std::size_t node) const;  // at the last `advance`, degrees C
  std::size_t nodes() const { return size_; }

 private:
  double& vector(std::size_t row, std::size_t mode) { return vectors_[row * size_ + mode]; }
  void diagonalise(std::vector<double>& matrix);
  void rotate(std::vector<double>& matrix, std::size_t p, std::size_t q);

  std::size_t size_;
  double air_;
  std::vector<double> root_;     // of each capacity
  std::vector<double> vectors_;  // (size_, size_), one mode per column
  std::vector<double> decay_;    // per mode, 1/s
  std::vector<double> input_;    // per mode
  std::vector<double> state_;    // per mode
  Time now_ = 0;
};

}  // namespace hetsched::sim
