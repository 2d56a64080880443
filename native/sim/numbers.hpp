// Logarithm and exponential out of additions, multiplications and divisions alone, which IEEE 754
// rounds alike everywhere: the same seed gives the same bytes on every platform. A platform's own
// log and exp differ in their last bits.
#pragma once

#include <array>
#include <cmath>

namespace hetsched::sim {

inline constexpr double kLn2 = 0.6931471805599453;
inline constexpr double kLn2High = 0.693147180369123816490;     // the first 33 bits
inline constexpr double kLn2Low = 1.90821492927058770002e-10;  // the rest
inline constexpr double kLog2E = 1.4426950408889634;
inline constexpr double kRootHalf = 0.7071067811865476;

// Of x > 0. Source: log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...), here |s| < 0.172, so
// that what is left out is below 1e-19.
inline double logarithm(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < kRootHalf) {
    mantissa *= 2.0;
    --exponent;
  }
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = s * s;
  double sum = 0.0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent * kLn2 + 2.0 * s * sum;
}

inline constexpr int kTerms = 14;
inline constexpr std::array<double, kTerms + 1> kOverFactorial = [] {
  std::array<double, kTerms + 1> terms{};
  double factorial = 1.0;
  for (int n = 0; n <= kTerms; ++n) {
    if (n > 0) factorial *= n;
    terms[static_cast<std::size_t>(n)] = 1.0 / factorial;
  }
  return terms;
}();

// Of x <= 700; 0 below -700. Source: exp(x) = 2^k exp(x - k ln 2), and the power series, whose rest
// is below 1e-18 for arguments up to ln 2 / 2.
inline double power_of_e(double x) {
  if (x < -700.0) return 0.0;
  const double k = std::floor(x * kLog2E + 0.5);
  const double rest = (x - k * kLn2High) - k * kLn2Low;
  double sum = kOverFactorial[kTerms];
  for (std::size_t n = kTerms; n-- > 0;) sum = sum * rest + kOverFactorial[n];
  return std::ldexp(sum, static_cast<int>(k));
}

}  // namespace hetsched::sim
