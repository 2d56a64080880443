// A deployed app: its stages with what follows from them, prepared for quick decisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/types.hpp"

namespace hetsched::core {

// A unit that can run a stage, and how long that is expected to take.
struct Alternative {
  Unit unit;
  Time duration;
};

struct StageSpec {
  std::vector<Alternative> alternatives;  // each unit once; the first is the planned one
  std::vector<StageId> after;             // earlier stages that must have ended, each once
};

// What happens to a new request when `capacity` requests of the app wait already.
enum class Full : std::int32_t {
  kReject,      // it is dropped
  kDropOldest,  // the one that waits longest is dropped
  kLatestOnly,  // all that wait are dropped
};

// Which requests are let in.
enum class Admission : std::int32_t {
  kAll,
  kOwn,      // that could meet their deadline on idle units
  kBacklog,  // that can meet it behind the work that would be served before their first stage
};

struct AppSpec {
  std::vector<StageSpec> stages;
  Time deadline = kNever;  // since a request's arrival
  std::int64_t priority = 0;
  std::int64_t weight = 1000;  // thousandths
  std::int64_t capacity = -1;  // requests none of whose stages has started; negative: no limit
  Full full = Full::kReject;
  Admission admission = Admission::kAll;
  std::int32_t turn = -1;      // what a static order calls the app; negative: not in it
  bool drops_late = false;  // what can't meet its deadline any more is dropped at once, not run
};

class App {
 public:
  // Throws std::invalid_argument naming the stage that is wrong.
  App(AppSpec spec, Unit units);

  struct Range {
    std::int32_t first;
    std::int32_t last;
  };

  const AppSpec& spec() const { return spec_; }
  std::int32_t stages() const { return static_cast<std::int32_t>(spec_.stages.size()); }
  std::int32_t alternatives() const { return static_cast<std::int32_t>(choices_.size()); }
  const Alternative& choice(std::int32_t index) const { return choices_[at(index)]; }
  Range choices(StageId stage) const { return {starts_[at(stage)], starts_[at(stage) + 1]}; }
  const std::vector<StageId>& next(StageId stage) const { return next_[at(stage)]; }
  std::int32_t inputs(StageId stage) const {
    return static_cast<std::int32_t>(spec_.stages[at(stage)].after.size());
  }
  // From the stage's start to the request's end, at best: each stage at its quickest.
  Time rest(StageId stage) const { return rest_[at(stage)]; }
  // HEFT's upward rank: the same with each stage's mean time.
  Time rank(StageId stage) const { return rank_[at(stage)]; }
  Time quickest() const { return quickest_; }  // of a request without others

  // A stage's time on one of its units has turned out otherwise.
  // Throws std::invalid_argument when the stage can't run there.
  void set_duration(StageId stage, Unit unit, Time duration);

 private:
  static std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }
  void check(Unit units) const;
  void derive();

  AppSpec spec_;
  std::vector<std::vector<StageId>> next_;
  std::vector<Alternative> choices_;  // of all stages, one stage after the other
  std::vector<std::int32_t> starts_;
  std::vector<Time> rest_;
  std::vector<Time> rank_;
  Time quickest_ = 0;
};

}  // namespace hetsched::core
