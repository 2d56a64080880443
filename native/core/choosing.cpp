// The dispatcher, where idle units take their next stage.
#include "core/dispatcher.hpp"

#include <algorithm>

#include "core/slots.hpp"

namespace hetsched::core {
namespace {

Action start_action(Unit unit, RequestId request, StageId stage) {
  return {.kind = Action::Kind::kStart, .unit = unit, .request = request, .stage = stage};
}

}  // namespace

void Dispatcher::dispatch() {
  bool started = true;
  skipped_any_ = true;
  // Once more when a unit has left a stage to another one, which then took something else.
  while (started && skipped_any_) {
    started = skipped_any_ = false;
    wake_ = kNever;
    for (Unit unit = 0; unit < units(); ++unit) {
      if (!is_busy(unit) && !is_down(unit) && !queues_[index(unit)].empty()) {
        started |= start_next(unit);
      }
    }
  }
}

bool Dispatcher::start_next(Unit unit) {
  return policy_->is_asked() ? start_asked(unit) : start_keyed(unit);
}

bool Dispatcher::start_keyed(Unit unit) {
  Queue& queue = queues_[index(unit)];
  skipped_.clear();
  while (!queue.empty() && is_better_elsewhere(unit, queue.top())) skipped_.push_back(queue.take(0));
  const bool found = !queue.empty();
  if (found) launch(unit, Ready(queue.top()));
  for (const Ready& entry : skipped_) queue.push(entry);
  return found;
}

bool Dispatcher::start_asked(Unit unit) {
  const Queue& queue = queues_[index(unit)];
  ready_.clear();
  candidates_.clear();
  for (std::size_t i = 0; i < queue.size(); ++i) {
    if (!is_better_elsewhere(unit, queue[i])) ready_.push_back(queue[i]);
  }
  if (ready_.empty()) return false;
  if (policy_->wants_oldest_first()) std::sort(ready_.begin(), ready_.end());
  for (const Ready& entry : ready_) candidates_.push_back(candidate(entry));
  const std::size_t chosen =
      policy_->choose(unit, now_, {candidates_.data(), candidates_.size()});
  launch(unit, ready_[std::min(chosen, ready_.size() - 1)]);
  return true;
}

// Whether another unit that will take the stage next is expected to end it earlier. A busy unit is
// waited for until it is late by a quarter of its stage's time.
bool Dispatcher::is_better_elsewhere(Unit unit, const Ready& entry) {
  const Request& request = requests_[index(slot_of(entry.request))];
  const App& app = app_of(request);
  const App::Range range = app.choices(entry.stage);
  if (range.last - range.first == 1) return false;
  const Time here = app.choice(entry.choice).duration;
  for (std::int32_t c = range.first; c < range.last; ++c) {
    const Alternative& other = app.choice(c);
    const std::int32_t position = request.where[index(c)];
    if (other.unit == unit || position < 0 || is_down(other.unit)) continue;
    if (position > 0 && !policy_->is_asked()) continue;  // others come before it there
    if (!is_busy(other.unit)) {
      if (other.duration < here) return skipped_any_ = true;
      continue;
    }
    if (policy_->is_asked()) continue;
    const Running& running = running_[index(other.unit)];
    const Time until = running.end + (running.end - running.start) / 4;
    if (now_ > until || std::max(now_, running.end) + other.duration >= now_ + here) continue;
    wake_ = std::min(wake_, until + 1);
    return skipped_any_ = true;
  }
  return false;
}

void Dispatcher::launch(Unit unit, const Ready& entry) {
  Request& request = requests_[index(slot_of(entry.request))];
  unqueue(request, entry.stage);
  StageState& stage = request.stages[index(entry.stage)];
  stage = next(stage, StageEvent::kStarted);
  if (request.state == RequestState::kWaiting) unlink(request);
  request.state = next(request.state, RequestEvent::kStarted);
  watch(request);
  policy_->started(candidate(entry), entry.key);
  const Time duration = app_of(request).choice(entry.choice).duration;
  running_[index(unit)] = {entry.request, entry.stage, now_, later(now_, duration)};
  ++busy_;
  actions_.push_back(start_action(unit, entry.request, entry.stage));
}

Candidate Dispatcher::candidate(const Ready& entry) const {
  const Request& request = requests_[index(slot_of(entry.request))];
  const App& app = app_of(request);
  const Alternative& choice = app.choice(entry.choice);
  return {.request = entry.request,
          .app = request.app,
          .turn = app.spec().turn,
          .stage = entry.stage,
          .unit = choice.unit,
          .arrival = request.arrival,
          .deadline = request.deadline,
          .duration = choice.duration,
          .rest = app.rest(entry.stage),
          .rank = app.rank(entry.stage),
          .priority = app.spec().priority,
          .weight = app.spec().weight};
}

}  // namespace hetsched::core
