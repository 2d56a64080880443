// The dispatcher, where a request comes: is there room for it, and can it be in time?
#include "core/dispatcher.hpp"

#include <algorithm>

#include "core/slots.hpp"

namespace hetsched::core {

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

}  // namespace hetsched::core
