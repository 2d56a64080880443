#include "core/drive.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace hetsched::core {
namespace {

class World {
 public:
  World(Dispatcher& dispatcher, Time longest, std::uint64_t seed)
      : dispatcher_(dispatcher),
        longest_(std::max<Time>(longest, 1)),
        random_(seed * 2 + 1),
        running_(static_cast<std::size_t>(dispatcher.units())),
        now_(dispatcher.now()) {}

  void submit(AppId app) {
    live_.emplace_back(dispatcher_.submit(now_, app), app);
    ++done.events;
    follow();
  }

  // One stage ends, or a timer fires; false when nothing is under way.
  bool step() {
    const auto first = std::min_element(
        running_.begin(), running_.end(), [](const Stage& a, const Stage& b) { return a.end < b.end; });
    const bool is_timer = timer_ < first->end;
    const Time at = is_timer ? timer_ : first->end;
    if (at == kNever) return false;
    now_ = std::max(now_, at);
    ++done.events;
    if (is_timer) {
      timer_ = kNever;
      dispatcher_.timer(now_);
    } else {
      const Stage was = *first;
      first->end = kNever;
      dispatcher_.stage_done(now_, static_cast<Unit>(first - running_.begin()), was.request,
                             was.stage);
    }
    follow();
    return true;
  }

  std::vector<AppId> ended;  // apps of the requests that have ended since this was cleared
  Driven done;

 private:
  struct Stage {
    RequestId request = -1;
    StageId stage = -1;
    Time end = kNever;
  };

  void follow() {
    for (const Action& action : dispatcher_.actions()) {
      if (action.kind == Action::Kind::kStart) {
        running_[static_cast<std::size_t>(action.unit)] = {action.request, action.stage,
                                                           now_ + duration()};
        ++done.starts;
      } else if (action.kind == Action::Kind::kFinish) {
        ++done.finishes;
        const auto found =
            std::find_if(live_.begin(), live_.end(),
                         [&](const auto& each) { return each.first == action.request; });
        ended.push_back(found->second);
        *found = live_.back();
        live_.pop_back();
      } else {
        timer_ = action.at;
      }
    }
  }

  Time duration() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return 1 + static_cast<Time>(random_ % static_cast<std::uint64_t>(longest_));
  }

  Dispatcher& dispatcher_;
  Time longest_;
  std::uint64_t random_;
  std::vector<Stage> running_;
  std::vector<std::pair<RequestId, AppId>> live_;
  Time timer_ = kNever;
  Time now_;
};

}  // namespace

Driven drive(Dispatcher& dispatcher, AppId apps, std::int32_t depth, std::int64_t starts,
             Time longest, std::uint64_t seed) {
  const std::int64_t before = dispatcher.allocations();
  World world(dispatcher, longest, seed);
  for (std::int32_t i = 0; i < depth; ++i) {
    for (AppId app = 0; app < apps; ++app) world.ended.push_back(app);
  }
  std::vector<AppId> due;
  do {
    due.swap(world.ended);
    for (const AppId app : due) {
      if (world.done.starts < starts) world.submit(app);
    }
    due.clear();
  } while (world.step());
  world.done.allocations = dispatcher.allocations() - before;
  return world.done;
}

}  // namespace hetsched::core
