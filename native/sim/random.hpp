// Random numbers by counter: a stream is known by what it is for, so that a request's stage takes as
// long under one policy as under another, and no stream depends on what others have drawn.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>

#include "sim/numbers.hpp"

namespace hetsched::sim {

inline constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

// Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64),
// with the constants of Stafford's variant 13.
inline std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

enum class Purpose : std::uint64_t { kArrivals = 1, kThinking = 2, kStage = 3, kTrigger = 4 };

class Stream {
 public:
  Stream(std::uint64_t seed, Purpose purpose, std::initializer_list<std::int64_t> of)
      : state_(mix(seed + kGolden)) {
    state_ = mix((state_ ^ static_cast<std::uint64_t>(purpose)) + kGolden);
    for (const std::int64_t each : of) {
      state_ = mix((state_ ^ static_cast<std::uint64_t>(each)) + kGolden);
    }
  }

  std::uint64_t next() {
    state_ += kGolden;
    return mix(state_);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // in [0, 1)
  double exponential() { return -logarithm(1.0 - uniform()); }              // of mean 1
  // Source: Marsaglia's polar method; the second of the pair is thrown away.
  double normal() {
    for (;;) {
      const double u = 2.0 * uniform() - 1.0;
      const double v = 2.0 * uniform() - 1.0;
      const double s = u * u + v * v;
      if (s > 0.0 && s < 1.0) return u * std::sqrt(-2.0 * logarithm(s) / s);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace hetsched::sim
