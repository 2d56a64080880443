#include "core/dispatcher.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace hetsched::core {
namespace {

constexpr int kSlotBits = 20;
constexpr RequestId kSlotMask = (RequestId{1} << kSlotBits) - 1;

Slot slot_of(RequestId request) { return static_cast<Slot>(request & kSlotMask); }

Time later(Time from, Time by) { return by >= kNever - from ? kNever : from + by; }

Action start_action(Unit unit, RequestId request, StageId stage) {
  return {.kind = Action::Kind::kStart, .unit = unit, .request = request, .stage = stage};
}

Action finish_action(RequestId request, Status status) {
  return {.kind = Action::Kind::kFinish, .request = request, .status = status};
}

Status status_of(RequestState state) {
  return static_cast<Status>(static_cast<int>(state) - static_cast<int>(RequestState::kCompleted));
}
static_assert(static_cast<int>(RequestState::kFailed) - static_cast<int>(RequestState::kCompleted) ==
              static_cast<int>(Status::kFailed));

}  // namespace

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

// ---- a request comes ----

Slot Dispatcher::take_slot(Deployed& to) {
  Vec<Slot>& from = to.free.empty() ? free_ : to.free;
  if (!from.empty()) {
    const Slot slot = from.back();
    from.pop_back();
    return slot;
  }
  requests_.emplace_back(memory_.get());
  // So that giving slots back takes no memory.
  if (to.free.capacity() < requests_.size()) to.free.reserve(2 * requests_.size());
  return static_cast<Slot>(requests_.size() - 1);
}

RequestId Dispatcher::enter(AppId app, Time deadline) {
  Deployed& to = *apps_[index(app)];
  const App& known = to.app;
  const Slot slot = take_slot(to);
  Request& request = requests_[index(slot)];
  const RequestId id = sequence_++ << kSlotBits | slot;
  request.id = id;
  request.app = app;
  request.arrival = now_;
  request.deadline = later(now_, deadline < 0 ? known.spec().deadline : deadline);
  request.state = RequestState::kWaiting;
  request.left = known.stages();
  request.ready = 0;
  request.stages.assign(index(known.stages()), StageState::kBlocked);
  request.waits.resize(index(known.stages()));
  for (StageId s = 0; s < known.stages(); ++s) request.waits[index(s)] = known.inputs(s);
  request.where.assign(index(known.alternatives()), -1);
  request.tried.assign(index(known.stages()), 0);
  ++live_;
  ++to.live;
  ++to.waiting;
  request.newer = -1;
  request.older = to.newest;
  if (to.newest >= 0) requests_[index(to.newest)].newer = slot;
  to.newest = slot;
  if (to.oldest < 0) to.oldest = slot;
  if (known.stages() == 0) {
    end(slot, RequestEvent::kEndedInTime);
    return id;
  }
  const bool must_fit = known.spec().admission != Admission::kAll;
  if ((must_fit && later(now_, known.quickest()) > request.deadline) || !make_room(to)) {
    end(slot, RequestEvent::kHopeless);
    return id;
  }
  for (StageId s = 0; s < known.stages() && request.id == id; ++s) {
    if (request.waits[index(s)] == 0) enqueue(slot, s, StageEvent::kInputsThere);
  }
  if (request.id == id && known.spec().admission == Admission::kBacklog &&
      is_hopeless_behind(request)) {
    end(slot, RequestEvent::kHopeless);
  }
  return id;
}

// The new request is among the waiting ones already. False when there is no room for it.
bool Dispatcher::make_room(Deployed& to) {
  const std::int64_t capacity = to.app.spec().capacity;
  if (capacity < 0 || to.waiting <= capacity) return true;
  if (to.app.spec().full == Full::kReject) return false;
  const std::int64_t stay = to.app.spec().full == Full::kLatestOnly ? 1 : capacity;
  while (to.waiting > stay) end(to.oldest, RequestEvent::kHopeless);
  return true;
}

// Whether one of its first stages would come too late behind what comes before it everywhere.
bool Dispatcher::is_hopeless_behind(const Request& request) const {
  const App& app = app_of(request);
  for (StageId s = 0; s < app.stages(); ++s) {
    if (request.stages[index(s)] != StageState::kReady) continue;
    const App::Range range = app.choices(s);
    Time least = kNever;
    Time soonest = kNever;
    for (std::int32_t c = range.first; c < range.last; ++c) {
      const Alternative& each = app.choice(c);
      least = std::min(least, each.duration);
      if (is_down(each.unit)) continue;
      const Ready& entry = queues_[index(each.unit)][index(request.where[index(c)])];
      soonest = std::min(soonest, later(work_before(each.unit, entry), each.duration));
    }
    if (soonest == kNever) continue;  // all its units are down: nobody knows
    if (later(now_, soonest - least + app.rest(s)) > request.deadline) return true;
  }
  return false;
}

// Expected time until the unit has done what comes before an entry. A stage that waits for several
// units counts for each of them by its share.
Time Dispatcher::work_before(Unit unit, const Ready& entry) const {
  const Running& running = running_[index(unit)];
  Time sum = is_busy(unit) ? std::max<Time>(running.end - now_, 0) : 0;
  const Queue& queue = queues_[index(unit)];
  for (std::size_t i = 0; i < queue.size(); ++i) {
    if (!(queue[i] < entry)) continue;
    const App& app = app_of(requests_[index(slot_of(queue[i].request))]);
    const App::Range range = app.choices(queue[i].stage);
    sum = later(sum, app.choice(queue[i].choice).duration / (range.last - range.first));
  }
  return sum;
}

// ---- stages become ready, requests end ----

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

// ---- units take their next ----

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
