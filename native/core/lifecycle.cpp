// The dispatcher, where stages become ready and requests end.
#include "core/dispatcher.hpp"

#include <algorithm>

#include "core/slots.hpp"

namespace hetsched::core {
namespace {

Action finish_action(RequestId request, Status status) {
  return {.kind = Action::Kind::kFinish, .request = request, .status = status};
}

Status status_of(RequestState state) {
  return static_cast<Status>(static_cast<int>(state) - static_cast<int>(RequestState::kCompleted));
}
static_assert(static_cast<int>(RequestState::kFailed) - static_cast<int>(RequestState::kCompleted) ==
              static_cast<int>(Status::kFailed));

}  // namespace

void Dispatcher::enqueue(Slot slot, StageId stage, StageEvent event) {
  Request& request = requests_[index(slot)];
  const App& app = app_of(request);
  StageState& state = request.stages[index(stage)];
  state = next(state, event);
  ++request.ready;
  if (app.spec().drops_late && later(now_, app.rest(stage)) > request.deadline) {
    end(slot, RequestEvent::kHopeless);
    return;
  }
  const App::Range range = app.choices(stage);
  for (std::int32_t c = range.first; c < range.last; ++c) {
    const Unit unit = app.choice(c).unit;
    if ((request.tried[index(stage)] >> unit & 1U) != 0) continue;
    Ready entry{0, request.id, stage, c};
    entry.key = policy_->key(candidate(entry));
    queues_[index(unit)].push(entry);
  }
  watch(request);
}

void Dispatcher::unqueue(Request& request, StageId stage) {
  const App& app = app_of(request);
  const App::Range range = app.choices(stage);
  for (std::int32_t c = range.first; c < range.last; ++c) {
    const std::int32_t position = request.where[index(c)];
    if (position >= 0) queues_[index(app.choice(c).unit)].take(index(position));
  }
  --request.ready;
}

// Note until when one of its queued stages must have started.
void Dispatcher::watch(Request& request) {
  const App& app = app_of(request);
  if (!app.spec().drops_late || request.deadline == kNever) return;
  if (request.expiry >= 0) expiries_.take(index(request.expiry));
  if (request.ready == 0) return;
  Time rest = 0;
  for (StageId s = 0; s < app.stages(); ++s) {
    if (request.stages[index(s)] == StageState::kReady) rest = std::max(rest, app.rest(s));
  }
  expiries_.push({request.deadline - rest, request.id});
}

void Dispatcher::unlink(Request& request) {
  Deployed& of = *apps_[index(request.app)];
  (request.older >= 0 ? requests_[index(request.older)].newer : of.oldest) = request.newer;
  (request.newer >= 0 ? requests_[index(request.newer)].older : of.newest) = request.older;
  --of.waiting;
}

void Dispatcher::end(Slot slot, RequestEvent event) {
  Request& request = requests_[index(slot)];
  if (request.state == RequestState::kWaiting) unlink(request);
  request.state = next(request.state, event);
  for (StageId s = 0; request.ready > 0; ++s) {
    if (request.stages[index(s)] == StageState::kReady) unqueue(request, s);
  }
  if (request.expiry >= 0) expiries_.take(index(request.expiry));
  actions_.push_back(finish_action(request.id, status_of(request.state)));
  request.id = -1;
  --live_;
  Deployed& of = *apps_[index(request.app)];
  --of.live;
  of.free.push_back(slot);
  forget_if_drained(request.app);
}

}  // namespace hetsched::core
