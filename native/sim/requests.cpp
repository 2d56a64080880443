// The simulation, where requests come and end.
#include <algorithm>

#include "core/slots.hpp"
#include "sim/simulation.hpp"

namespace hetsched::sim {
namespace {

bool has_result(core::Status status) {
  return status == core::Status::kCompleted || status == core::Status::kMissed;
}

}  // namespace

// What comes at the end of the simulation or later doesn't come.
void Simulation::pull(AppId app) {
  const Time time = apps_[at(app)].process.next();
  if (time < options_.duration) arrivals_.push({.time = std::max(time, now_), .app = app});
}

void Simulation::arrive() {
  const Arrival arrival = arrivals_.pop();
  const auto kind = apps_[at(arrival.app)].app.arrivals.kind;
  if (arrival.source == Arrival::Source::kProcess && kind != Arrivals::Kind::kClosed) {
    pull(arrival.app);
  }
  submit(arrival);
}

void Simulation::submit(const Arrival& arrival) {
  AppState& app = apps_[at(arrival.app)];
  Time deadline = -1;
  if (arrival.deadline == kNever) deadline = kNever - now_;
  if (arrival.deadline >= 0 && arrival.deadline < kNever) {
    deadline = std::max<Time>(arrival.deadline - now_, 1);
  }
  const RequestId id = dispatcher_.submit(now_, arrival.app, deadline);
  const core::Dispatcher::Actions actions = dispatcher_.actions();
  const auto is_other = [id](const core::Action& action) {
    return action.kind == core::Action::Kind::kFinish && action.request != id;
  };
  // Others that end because of it may have left their slot to it.
  for (const core::Action& action : actions) {
    if (is_other(action)) follow(action);
  }
  const auto slot = at(core::slot_of(id));
  if (slot >= live_.size()) live_.resize(slot + 1);
  Live& live = live_[slot];
  live.number = submitted_++;
  live.nth = app.result.requests++;
  live.app = arrival.app;
  live.is_client = arrival.source != Arrival::Source::kTriggered &&
                   app.app.arrivals.kind == Arrivals::Kind::kClosed;
  live.arrival = now_;
  live.deadline = deadline < 0 ? core::later(now_, app.app.spec.deadline) : arrival.deadline;
  live.origin = arrival.origin < 0 ? now_ : arrival.origin;
  live.energy = 0.0;
  if (app.app.timeout < kNever) {
    timeouts_.push({core::later(now_, app.app.timeout), live.number, id});
  }
  note(kind::kSubmitted, -1, live.number, arrival.app, -1,
       live.deadline == kNever ? -1 : live.deadline - now_);
  for (const core::Action& action : actions) {
    if (!is_other(action)) follow(action);
  }
}

// The caller has waited long enough. A stage that runs can't be stopped: its unit is busy to its end.
void Simulation::time_out() {
  follow(dispatcher_.cancel(now_, timeouts_.pop().request));
}

void Simulation::follow(core::Dispatcher::Actions actions) {
  for (const core::Action& action : actions) follow(action);
}

void Simulation::follow(const core::Action& action) {
  switch (action.kind) {
    case core::Action::Kind::kStart:
      start(action);
      break;
    case core::Action::Kind::kFinish:
      finished(action);
      break;
    case core::Action::Kind::kTimer:
      timer_ = action.at;
      break;
  }
}

void Simulation::finished(const core::Action& action) {
  const auto slot = at(core::slot_of(action.request));
  if (!has_result(action.status)) {
    for (Unit u = 0; u < dispatcher_.units(); ++u) {
      if (running_[at(u)].request == action.request) account(u);
    }
  }
  const Live live = live_[slot];
  live_[slot].number = -1;
  AppState& app = apps_[at(live.app)];
  ++app.result.ended[static_cast<std::size_t>(action.status)];
  if (has_result(action.status)) {
    app.result.latency.add(now_ - live.arrival);
    trigger(app, live.app, live);
  }
  note(kind::kFinished, -1, live.number, live.app, -1, static_cast<std::int64_t>(action.status));
  if (options_.keeps_requests) {
    requests_.push_back({live.number, live.arrival, live.deadline == kNever ? -1 : live.deadline,
                         now_, live.origin, live.energy * 1e-6, live.app,
                         static_cast<std::int32_t>(action.status)});
  }
  if (!live.is_client) return;
  const Time again = app.process.again(now_);
  if (again < options_.duration) {
    arrivals_.push({.time = again, .app = live.app, .source = Arrival::Source::kClient});
  }
}

void Simulation::trigger(AppState& parent, AppId app, const Live& request) {
  for (const Child& child : parent.children) {
    const SimApp& target = apps_[at(child.app)].app;
    const Trigger& by = target.triggers[child.trigger];
    if (!target.arrivals.is_active(now_)) continue;
    if (now_ >= options_.duration && !options_.drains) continue;
    Stream random(options_.seed, Purpose::kTrigger,
                  {app, request.nth, child.app, static_cast<std::int64_t>(child.trigger)});
    if (by.probability < 1.0 && random.uniform() >= by.probability) continue;
    for (std::int32_t i = 0; i < by.count; ++i) {
      arrivals_.push({.time = now_,
                      .app = child.app,
                      .source = Arrival::Source::kTriggered,
                      .deadline = by.carries_deadline ? request.deadline : -1,
                      .origin = request.origin});
    }
  }
}

}  // namespace hetsched::sim
