// Times of one app's stages per unit, learnt; hetsched/runtime/learning.py says how and why so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/types.hpp"

namespace hetsched::runtime {

inline constexpr core::Time kShare = 8;       // SHARE there
inline constexpr core::Time kTolerance = 16;  // TOLERANCE
inline constexpr int kDoubt = 16;             // DOUBT
inline constexpr std::size_t kKept = 32;      // KEPT

// The robust average of a series of times. Divisions round down, as Python's do.
class RobustAverage {
 public:
  explicit RobustAverage(core::Time took);
  void add(core::Time took);

  core::Time average() const { return average_; }
  std::int64_t runs() const { return runs_; }
  std::vector<core::Time> times() const;  // the last `kKept`, oldest first

  core::Time told = 0;

 private:
  core::Time last(std::int64_t back) const {
    return times_[static_cast<std::size_t>((runs_ - 1 - back) % static_cast<std::int64_t>(kKept))];
  }
  core::Time lower_median() const;

  core::Time average_;
  std::int64_t runs_ = 0;
  std::array<core::Time, kKept> times_{};
};

class Learned {
 public:
  using Place = std::pair<core::StageId, core::Unit>;

  // A stage took that long on a unit; its average when who decides must be told of it.
  std::optional<core::Time> add(core::StageId stage, core::Unit unit, core::Time took);
  // A request was dropped: what must be told.
  std::vector<std::pair<Place, core::Time>> dropped();

  const std::map<Place, RobustAverage>& averages() const { return averages_; }

 private:
  std::map<Place, RobustAverage> averages_;
  int drops_ = 0;
};

}  // namespace hetsched::runtime
