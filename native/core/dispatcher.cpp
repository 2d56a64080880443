// The dispatcher, where events come: are they possible, and what do they change?
#include "core/dispatcher.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "core/slots.hpp"

namespace hetsched::core {

bool Dispatcher::Ready::operator<(const Ready& other) const {
  return std::tie(key, request, stage) < std::tie(other.key, other.request, other.stage);
}

bool Dispatcher::Expiry::operator<(const Expiry& other) const {
  return std::tie(latest, request) < std::tie(other.latest, other.request);
}

void Dispatcher::NoteReady::operator()(const Ready& entry, std::int32_t position) const {
  self->requests_[index(slot_of(entry.request))].where[index(entry.choice)] = position;
}

void Dispatcher::NoteExpiry::operator()(const Expiry& entry, std::int32_t position) const {
  self->requests_[index(slot_of(entry.request))].expiry = position;
}

Dispatcher::Dispatcher(Unit units, std::unique_ptr<Policy> policy)
    : policy_(std::move(policy)),
      requests_(memory_.get()),
      free_(memory_.get()),
      expiries_(memory_.get(), NoteExpiry{this}),
      running_(memory_.get()),
      actions_(memory_.get()),
      skipped_(memory_.get()),
      ready_(memory_.get()),
      candidates_(memory_.get()) {
  if (units < 1 || units > kMaxUnits) {
    throw std::invalid_argument("from 1 to " + std::to_string(kMaxUnits) + " units, not " +
                                std::to_string(units));
  }
  running_.resize(index(units));
  queues_.reserve(index(units));
  for (Unit u = 0; u < units; ++u) queues_.emplace_back(memory_.get(), NoteReady{this});
}

// ---- what an event must be ----

void Dispatcher::check_time(Time now) const {
  if (now >= now_) return;
  throw std::invalid_argument("an event of " + std::to_string(now) + " ns after one of " +
                              std::to_string(now_) + " ns");
}

void Dispatcher::check_unit(Unit unit) const {
  if (unit >= 0 && unit < units()) return;
  throw std::invalid_argument("there is no unit " + std::to_string(unit) + " of " +
                              std::to_string(units()));
}

void Dispatcher::check_runs(Unit unit, RequestId request, StageId stage) const {
  check_unit(unit);
  const Running& running = running_[index(unit)];
  if (running.request == request && running.stage == stage && request >= 0) return;
  const std::string what = running.request < 0 ? "nothing"
                                               : "stage " + std::to_string(running.stage) +
                                                     " of request " + std::to_string(running.request);
  throw std::invalid_argument("unit " + std::to_string(unit) + " runs " + what + ", not stage " +
                              std::to_string(stage) + " of request " + std::to_string(request));
}

Dispatcher::Deployed& Dispatcher::deployed(AppId app) const {
  if (app < 0 || index(app) >= apps_.size() || apps_[index(app)] == nullptr ||
      apps_[index(app)]->retired) {
    throw std::invalid_argument("app " + std::to_string(app) + " isn't deployed");
  }
  return *apps_[index(app)];
}

Dispatcher::Request* Dispatcher::find(RequestId id) {
  if (id < 0 || index(slot_of(id)) >= requests_.size()) return nullptr;
  Request& found = requests_[index(slot_of(id))];
  return found.id == id ? &found : nullptr;
}

const App& Dispatcher::app_of(const Request& request) const {
  return apps_[index(request.app)]->app;
}

// ---- apps ----

AppId Dispatcher::deploy(AppSpec spec) {
  auto made = std::make_unique<Deployed>(App(std::move(spec), units()), memory_.get());
  const auto app = static_cast<AppId>(apps_.size());
  policy_->app_added(app);
  apps_.push_back(std::move(made));
  return app;
}

void Dispatcher::retire(AppId app) {
  deployed(app).retired = true;
  forget_if_drained(app);
}

void Dispatcher::set_duration(AppId app, StageId stage, Unit unit, Time duration) {
  deployed(app).app.set_duration(stage, unit, duration);
}

void Dispatcher::forget_if_drained(AppId app) {
  Deployed& known = *apps_[index(app)];
  if (!known.retired || known.live > 0) return;
  free_.insert(free_.end(), known.free.begin(), known.free.end());
  apps_[index(app)] = nullptr;
}

std::int64_t Dispatcher::queued(Unit unit) const {
  check_unit(unit);
  return static_cast<std::int64_t>(queues_[index(unit)].size());
}

std::int64_t Dispatcher::waiting(AppId app) const { return deployed(app).waiting; }

// ---- events ----

void Dispatcher::begin(Time now) {
  now_ = now;
  actions_.clear();
  expire();
}

Dispatcher::Actions Dispatcher::finish() {
  dispatch();
  Time due = wake_;
  if (!expiries_.empty()) due = std::min(due, expiries_.top().latest + 1);
  if (due != kNever && (timer_ <= now_ || due < timer_)) {
    timer_ = due;
    actions_.push_back({.kind = Action::Kind::kTimer, .at = due});
  }
  return actions();
}

void Dispatcher::expire() {
  while (!expiries_.empty() && expiries_.top().latest < now_) {
    end(slot_of(expiries_.top().request), RequestEvent::kHopeless);
  }
}

RequestId Dispatcher::submit(Time now, AppId app, Time deadline) {
  check_time(now);
  Deployed& to = deployed(app);
  if (deadline == 0) throw std::invalid_argument("a deadline must be longer than 0");
  if (to.free.empty() && free_.empty() && requests_.size() > index(kSlotMask)) {
    throw std::invalid_argument("too many requests at once: " + std::to_string(requests_.size()));
  }
  begin(now);
  const RequestId id = enter(app, deadline);
  finish();
  return id;
}

Dispatcher::Actions Dispatcher::stage_done(Time now, Unit unit, RequestId id, StageId stage) {
  check_time(now);
  check_runs(unit, id, stage);
  begin(now);
  running_[index(unit)].request = -1;
  --busy_;
  Request* request = find(id);
  if (request == nullptr) return finish();
  request->stages[index(stage)] = next(request->stages[index(stage)], StageEvent::kEnded);
  if (--request->left == 0) {
    end(slot_of(id), now > request->deadline ? RequestEvent::kEndedLate : RequestEvent::kEndedInTime);
    return finish();
  }
  for (const StageId following : app_of(*request).next(stage)) {
    if (--request->waits[index(following)] > 0) continue;
    enqueue(slot_of(id), following, StageEvent::kInputsThere);
    if (request->id != id) break;  // it can't meet its deadline any more
  }
  return finish();
}

Dispatcher::Actions Dispatcher::stage_failed(Time now, Unit unit, RequestId id, StageId stage,
                                             bool retry) {
  check_time(now);
  check_runs(unit, id, stage);
  begin(now);
  running_[index(unit)].request = -1;
  --busy_;
  Request* request = find(id);
  if (request == nullptr) return finish();
  std::uint64_t& tried = request->tried[index(stage)];
  tried |= std::uint64_t{1} << unit;
  const App& app = app_of(*request);
  const App::Range range = app.choices(stage);
  bool elsewhere = false;
  for (std::int32_t c = range.first; c < range.last; ++c) {
    const Unit other = app.choice(c).unit;
    elsewhere |= (tried >> other & 1U) == 0 && !is_down(other);
  }
  if (retry && elsewhere) {
    enqueue(slot_of(id), stage, StageEvent::kLost);
  } else {
    end(slot_of(id), RequestEvent::kBroken);
  }
  return finish();
}

Dispatcher::Actions Dispatcher::unit_down(Time now, Unit unit) {
  check_time(now);
  check_unit(unit);
  if (is_down(unit)) throw std::invalid_argument("unit " + std::to_string(unit) + " is down already");
  begin(now);
  down_ |= std::uint64_t{1} << unit;
  if (!is_busy(unit)) return finish();
  Running& running = running_[index(unit)];
  if (find(running.request) != nullptr) {
    enqueue(slot_of(running.request), running.stage, StageEvent::kLost);
  }
  running.request = -1;
  --busy_;
  return finish();
}

Dispatcher::Actions Dispatcher::unit_up(Time now, Unit unit) {
  check_time(now);
  check_unit(unit);
  if (!is_down(unit)) throw std::invalid_argument("unit " + std::to_string(unit) + " isn't down");
  begin(now);
  down_ &= ~(std::uint64_t{1} << unit);
  return finish();
}

Dispatcher::Actions Dispatcher::cancel(Time now, RequestId id) {
  check_time(now);
  begin(now);
  if (find(id) != nullptr) end(slot_of(id), RequestEvent::kCancelled);
  return finish();
}

Dispatcher::Actions Dispatcher::timer(Time now) {
  check_time(now);
  begin(now);
  return finish();
}

}  // namespace hetsched::core
