#include "runtime/learned.hpp"

#include <algorithm>

namespace hetsched::runtime {
namespace {

core::Time floor_div(core::Time value, core::Time by) {
  return value / by - (value % by != 0 && (value < 0) != (by < 0) ? 1 : 0);
}

}  // namespace

RobustAverage::RobustAverage(core::Time took) : average_(took), runs_(1) { times_[0] = took; }

void RobustAverage::add(core::Time took) {
  times_[static_cast<std::size_t>(runs_ % static_cast<std::int64_t>(kKept))] = took;
  ++runs_;
  if (runs_ <= kShare) {
    average_ = lower_median();
    return;
  }
  const auto [low, high] = std::minmax({last(2), last(1)});
  average_ += floor_div(std::clamp(took, low, high) - average_, kShare);
}

core::Time RobustAverage::lower_median() const {
  std::vector<core::Time> sorted(times_.begin(), times_.begin() + runs_);
  const auto middle = sorted.begin() + (runs_ - 1) / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::vector<core::Time> RobustAverage::times() const {
  std::vector<core::Time> found;
  for (std::int64_t back = std::min(runs_, static_cast<std::int64_t>(kKept)); back-- > 0;) {
    found.push_back(last(back));
  }
  return found;
}

std::optional<core::Time> Learned::add(core::StageId stage, core::Unit unit, core::Time took) {
  drops_ = 0;
  const auto [found, is_new] = averages_.try_emplace({stage, unit}, took);
  RobustAverage& average = found->second;
  if (!is_new) {
    average.add(took);
    const core::Time moved = (average.average() - average.told) * kTolerance;
    if (-average.told <= moved && moved <= average.told) return std::nullopt;
  }
  average.told = average.average();
  return average.told;
}

std::vector<std::pair<Learned::Place, core::Time>> Learned::dropped() {
  if (++drops_ < kDoubt) return {};
  drops_ = 0;
  std::vector<std::pair<Place, core::Time>> told;
  for (auto& [place, average] : averages_) {
    average.told = floor_div(average.told, 2);
    told.emplace_back(place, average.told);
  }
  return told;
}

}  // namespace hetsched::runtime
