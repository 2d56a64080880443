#include "sim/heat.hpp"

#include <cmath>

#include "sim/numbers.hpp"

namespace hetsched::sim {
namespace {

constexpr int kSweeps = 60;
constexpr double kNothing = 1e-300;

}  // namespace

Heat::Heat(const HeatSpec& spec)
    : size_(spec.capacity.size()),
      air_(spec.air),
      root_(size_),
      vectors_(size_ * size_, 0.0),
      decay_(size_),
      input_(size_, 0.0),
      state_(size_, 0.0) {
  std::vector<double> matrix(size_ * size_, 0.0);
  for (std::size_t i = 0; i < size_; ++i) {
    root_[i] = std::sqrt(spec.capacity[i]);
    matrix[i * size_ + i] = spec.to_air[i];
    vector(i, i) = 1.0;
  }
  for (const HeatSpec::Edge& edge : spec.edges) {
    const auto a = static_cast<std::size_t>(edge.first);
    const auto b = static_cast<std::size_t>(edge.second);
    matrix[a * size_ + a] += edge.conductance;
    matrix[b * size_ + b] += edge.conductance;
    matrix[a * size_ + b] -= edge.conductance;
    matrix[b * size_ + a] -= edge.conductance;
  }
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t j = 0; j < size_; ++j) matrix[i * size_ + j] /= root_[i] * root_[j];
  }
  diagonalise(matrix);
  for (std::size_t k = 0; k < size_; ++k) {
    decay_[k] = matrix[k * size_ + k];
    for (std::size_t i = 0; i < size_; ++i) {
      state_[k] += vector(i, k) * root_[i] * (spec.initial - spec.air);
    }
  }
}

// Jacobi's method.
void Heat::diagonalise(std::vector<double>& matrix) {
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double off = 0.0;
    for (std::size_t p = 0; p < size_; ++p) {
      for (std::size_t q = p + 1; q < size_; ++q) {
        off += matrix[p * size_ + q] * matrix[p * size_ + q];
        rotate(matrix, p, q);
      }
    }
    if (off < kNothing) return;
  }
}

void Heat::rotate(std::vector<double>& matrix, std::size_t p, std::size_t q) {
  const double between = matrix[p * size_ + q];
  if (between == 0.0) return;
  const double theta = (matrix[q * size_ + q] - matrix[p * size_ + p]) / (2.0 * between);
  const double sign = theta >= 0.0 ? 1.0 : -1.0;
  const double t = sign / (std::fabs(theta) + std::sqrt(theta * theta + 1.0));
  const double c = 1.0 / std::sqrt(t * t + 1.0);
  const double s = t * c;
  for (std::size_t k = 0; k < size_; ++k) {
    const double a = matrix[k * size_ + p];
    const double b = matrix[k * size_ + q];
    matrix[k * size_ + p] = c * a - s * b;
    matrix[k * size_ + q] = s * a + c * b;
  }
  for (std::size_t k = 0; k < size_; ++k) {
    const double a = matrix[p * size_ + k];
    const double b = matrix[q * size_ + k];
    matrix[p * size_ + k] = c * a - s * b;
    matrix[q * size_ + k] = s * a + c * b;
    const double x = vector(k, p);
    const double y = vector(k, q);
    vector(k, p) = c * x - s * y;
    vector(k, q) = s * x + c * y;
  }
}

void Heat::advance(Time now) {
  if (now == now_) return;
  const double seconds = static_cast<double>(now - now_) * 1e-9;
  now_ = now;
  for (std::size_t k = 0; k < size_; ++k) {
    const double target = input_[k] / decay_[k];
    state_[k] = target + (state_[k] - target) * power_of_e(-decay_[k] * seconds);
  }
}

void Heat::add_power(std::int32_t node, double mw) {
  const auto i = static_cast<std::size_t>(node);
  for (std::size_t k = 0; k < size_; ++k) input_[k] += vector(i, k) / root_[i] * (mw * 1e-3);
}

double Heat::temperature(std::size_t node) const {
  double sum = 0.0;
  for (std::size_t k = 0; k < size_; ++k) sum += vectors_[node * size_ + k] * state_[k];
  return air_ + sum / root_[node];
}

}  // namespace hetsched::sim
