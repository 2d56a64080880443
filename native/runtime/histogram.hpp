// Counts of durations in buckets; hetsched/trace/histogram.py says which and how exact that is.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/types.hpp"

namespace hetsched::runtime {

class Histogram {
 public:
  // What is below 0 counts as 0.
  void add(core::Time value) {
    const core::Time counted = std::max<core::Time>(value, 0);
    const std::size_t at = bucket(counted);
    if (at >= counts_.size()) counts_.resize(at + 1);
    ++counts_[at];
    const auto more = static_cast<std::uint64_t>(counted);
    low_ += more;
    if (low_ < more) ++high_;
  }

  // By bucket, up to the last one that isn't empty.
  const std::vector<std::int64_t>& counts() const { return counts_; }
  // The sum of all values is high x 2^64 + low.
  std::uint64_t total_high() const { return high_; }
  std::uint64_t total_low() const { return low_; }

 private:
  static constexpr int kBits = 6;

  static std::size_t bucket(core::Time value) {
    const auto plain = static_cast<std::uint64_t>(value);
    const int shift = std::max(static_cast<int>(std::bit_width(plain)) - kBits - 1, 0);
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(plain >> shift);
  }

  std::vector<std::int64_t> counts_;
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace hetsched::runtime
