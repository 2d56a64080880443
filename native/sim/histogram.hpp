// Durations in bounded memory: exact while they are few, to within 1/256 of each when many.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/model.hpp"

namespace hetsched::sim {

class Histogram {
 public:
  static constexpr std::size_t kExact = 8192;

  void add(Time value) {
    ++count_;
    sum_ += static_cast<double>(value);
    most_ = std::max(most_, value);
    if (buckets_.empty()) {
      values_.push_back(value);
      if (values_.size() > kExact) spread();
      return;
    }
    count(value);
  }

  std::int64_t count() const { return count_; }
  double sum() const { return sum_; }
  Time most() const { return most_; }
  bool is_exact() const { return buckets_.empty(); }

  // The smallest value that at least a share of `thousandths` / 1000 don't exceed; -1 for none.
  Time quantile(std::int64_t thousandths) const {
    if (count_ == 0) return -1;
    const std::int64_t rank = std::max<std::int64_t>((count_ * thousandths + 999) / 1000, 1);
    if (is_exact()) {
      std::vector<Time> sorted(values_);
      std::sort(sorted.begin(), sorted.end());
      return sorted[static_cast<std::size_t>(rank - 1)];
    }
    std::int64_t seen = 0;
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      seen += buckets_[b];
      if (seen >= rank) return std::min(middle(b), most_);
    }
    return most_;
  }

 private:
  // 128 buckets per power of two; below 128 each value has its own.
  static constexpr int kBits = 7;
  static constexpr std::size_t kBuckets = (64 - kBits) << kBits;

  static std::size_t bucket(Time value) {
    const auto plain = static_cast<std::uint64_t>(value);
    const int shift = std::max(static_cast<int>(std::bit_width(plain)) - 1 - kBits, 0);
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(plain >> shift);
  }
  static Time middle(std::size_t bucket) {
    if (bucket < (std::size_t{2} << kBits)) return static_cast<Time>(bucket);
    const auto shift = static_cast<int>(bucket >> kBits) - 1;
    const std::size_t low = bucket - (static_cast<std::size_t>(shift) << kBits);
    return static_cast<Time>((low << shift) + ((std::size_t{1} << shift) >> 1));
  }
  void count(Time value) { ++buckets_[bucket(value)]; }
  void spread() {
    buckets_.assign(kBuckets, 0);
    for (const Time value : values_) count(value);
    values_ = {};
  }

  std::int64_t count_ = 0;
  double sum_ = 0.0;
  Time most_ = 0;
  std::vector<Time> values_;
  std::vector<std::int64_t> buckets_;
};

}  // namespace hetsched::sim
