#include "core/app.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace hetsched::core {
namespace {

constexpr Time kLongest = Time{1} << 50;  // 13 days; sums of durations stay far from overflow

std::string name(std::size_t stage) { return "stage " + std::to_string(stage); }

void check_alternatives(const StageSpec& stage, std::size_t number, Unit units) {
  if (stage.alternatives.empty()) {
    throw std::invalid_argument(name(number) + " has no unit that can run it");
  }
  for (std::size_t i = 0; i < stage.alternatives.size(); ++i) {
    const Alternative& each = stage.alternatives[i];
    if (each.unit < 0 || each.unit >= units) {
      throw std::invalid_argument(name(number) + " is on unit " + std::to_string(each.unit) +
                                  " of " + std::to_string(units));
    }
    if (each.duration < 0 || each.duration > kLongest) {
      throw std::invalid_argument(name(number) + " takes " + std::to_string(each.duration) +
                                  " ns on unit " + std::to_string(each.unit) + ": from 0 to " +
                                  std::to_string(kLongest));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (stage.alternatives[j].unit == each.unit) {
        throw std::invalid_argument(name(number) + " names unit " + std::to_string(each.unit) +
                                    " twice");
      }
    }
  }
}

void check_order(const StageSpec& stage, std::size_t number) {
  for (std::size_t i = 0; i < stage.after.size(); ++i) {
    const StageId earlier = stage.after[i];
    if (earlier < 0 || static_cast<std::size_t>(earlier) >= number) {
      throw std::invalid_argument(name(number) + " waits for stage " + std::to_string(earlier) +
                                  ", not an earlier one");
    }
    if (std::count(stage.after.begin(), stage.after.end(), earlier) > 1) {
      throw std::invalid_argument(name(number) + " names stage " + std::to_string(earlier) +
                                  " twice");
    }
  }
}

}  // namespace

App::App(AppSpec spec, Unit units) : spec_(std::move(spec)) {
  check(units);
  next_.resize(spec_.stages.size());
  starts_.push_back(0);
  for (std::size_t s = 0; s < spec_.stages.size(); ++s) {
    const StageSpec& stage = spec_.stages[s];
    choices_.insert(choices_.end(), stage.alternatives.begin(), stage.alternatives.end());
    starts_.push_back(static_cast<std::int32_t>(choices_.size()));
    for (const StageId earlier : stage.after) next_[at(earlier)].push_back(static_cast<StageId>(s));
  }
  derive();
}

void App::check(Unit units) const {
  if (spec_.deadline <= 0) throw std::invalid_argument("a deadline must be longer than 0");
  if (spec_.weight <= 0) throw std::invalid_argument("a weight must be more than 0");
  if (spec_.capacity == 0) throw std::invalid_argument("a queue must hold one request at least");
  for (std::size_t s = 0; s < spec_.stages.size(); ++s) {
    check_alternatives(spec_.stages[s], s, units);
    check_order(spec_.stages[s], s);
  }
}

void App::derive() {
  rest_.assign(spec_.stages.size(), 0);
  rank_.assign(spec_.stages.size(), 0);
  quickest_ = 0;
  for (std::size_t s = spec_.stages.size(); s-- > 0;) {
    Time rest = 0;
    Time rank = 0;
    for (const StageId later : next_[s]) {
      rest = std::max(rest, rest_[at(later)]);
      rank = std::max(rank, rank_[at(later)]);
    }
    Time least = kNever;
    Time sum = 0;
    for (std::int32_t c = starts_[s]; c < starts_[s + 1]; ++c) {
      least = std::min(least, choices_[at(c)].duration);
      sum += choices_[at(c)].duration;
    }
    rest_[s] = rest + least;
    rank_[s] = rank + sum / (starts_[s + 1] - starts_[s]);
    quickest_ = std::max(quickest_, rest_[s]);
  }
}

void App::set_duration(StageId stage, Unit unit, Time duration) {
  if (stage < 0 || stage >= stages()) throw std::invalid_argument("there is no such stage");
  if (duration < 0 || duration > kLongest) throw std::invalid_argument("no such duration");
  const Range range = choices(stage);
  for (std::int32_t c = range.first; c < range.last; ++c) {
    if (choices_[at(c)].unit != unit) continue;
    choices_[at(c)].duration = duration;
    derive();
    return;
  }
  throw std::invalid_argument("stage " + std::to_string(stage) + " can't run on unit " +
                              std::to_string(unit));
}

}  // namespace hetsched::core
