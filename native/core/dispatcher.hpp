// What runs next, and where: events in, actions out. No clock, thread, lock or I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/app.hpp"
#include "core/heap.hpp"
#include "core/memory.hpp"
#include "core/policy.hpp"
#include "core/transitions.hpp"
#include "core/types.hpp"

namespace hetsched::core {

// A unit runs one stage at a time: it is busy from `kStart` until the stage_done or stage_failed
// that answers it, even when the request has ended meanwhile, or until unit_down.
//
// Every event carries the time and returns what must be done about it, in order; the actions stay
// valid until the next event. An event that can't happen in this state throws
// std::invalid_argument and changes nothing. The same events always give the same actions.
class Dispatcher {
 public:
  using Actions = std::span<const Action>;

  Dispatcher(Unit units, std::unique_ptr<Policy> policy);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  AppId deploy(AppSpec spec);
  // The app takes no more requests; it is forgotten when its last one has ended.
  void retire(AppId app);
  // A stage's time on one of its units has turned out otherwise.
  void set_duration(AppId app, StageId stage, Unit unit, Time duration);

  // `deadline` is since now and replaces the app's; a negative one doesn't.
  RequestId submit(Time now, AppId app, Time deadline = -1);
  Actions stage_done(Time now, Unit unit, RequestId request, StageId stage);
  // With `retry` the stage is run again on another unit that is up and able to, if there is one.
  Actions stage_failed(Time now, Unit unit, RequestId request, StageId stage, bool retry);
  // What the unit was running is run again, there or elsewhere; what waits for it goes on waiting.
  Actions unit_down(Time now, Unit unit);
  Actions unit_up(Time now, Unit unit);
  Actions cancel(Time now, RequestId request);  // of no effect when it has ended
  Actions timer(Time now);

  Actions actions() const { return {actions_.data(), actions_.size()}; }
  bool is_idle() const { return live_ == 0 && busy_ == 0; }
  std::int64_t live() const { return live_; }
  std::int64_t queued(Unit unit) const;       // ready stages that wait for the unit, or for others
  std::int64_t waiting(AppId app) const;      // requests none of whose stages has started
  std::int64_t allocations() const { return memory_->allocations(); }
  Time now() const { return now_; }  // of the last event
  Unit units() const { return static_cast<Unit>(running_.size()); }

 private:
  struct Ready {  // one stage in the queue of one unit
    std::int64_t key;
    RequestId request;
    StageId stage;
    std::int32_t choice;  // index of the alternative
    bool operator<(const Ready& other) const;
  };
  struct Expiry {  // a request with a stage that must start at `latest` for the deadline's sake
    Time latest;
    RequestId request;
    bool operator<(const Expiry& other) const;
  };
  struct Request {
    explicit Request(std::pmr::memory_resource* memory)
        : stages(memory), waits(memory), where(memory), tried(memory) {}
    RequestId id = -1;  // -1: the slot is free
    AppId app = -1;
    Time arrival = 0;
    Time deadline = kNever;
    RequestState state = RequestState::kWaiting;
    std::int32_t left = 0;   // stages that haven't ended
    std::int32_t ready = 0;  // stages in queues
    std::int32_t expiry = -1;
    Slot older = -1;  // neighbours among the app's waiting requests
    Slot newer = -1;
    Vec<StageState> stages;
    Vec<std::int32_t> waits;   // per stage: how many stages it waits for
    Vec<std::int32_t> where;   // per alternative: index in its unit's queue, or -1
    Vec<std::uint64_t> tried;  // per stage: units that it failed on
  };
  struct Deployed {
    explicit Deployed(App&& given, std::pmr::memory_resource* memory)
        : app(std::move(given)), free(memory) {}
    App app;
    bool retired = false;
    std::int64_t live = 0;
    std::int64_t waiting = 0;
    Slot oldest = -1;
    Slot newest = -1;
    Vec<Slot> free;  // slots whose vectors have this app's sizes
  };
  struct Running {
    RequestId request = -1;
    StageId stage = -1;
    Time start = 0;
    Time end = 0;  // expected
  };
  struct NoteReady {
    Dispatcher* self;
    void operator()(const Ready& entry, std::int32_t index) const;
  };
  struct NoteExpiry {
    Dispatcher* self;
    void operator()(const Expiry& entry, std::int32_t index) const;
  };
  using Queue = Heap<Ready, NoteReady>;

  void check_time(Time now) const;
  void check_unit(Unit unit) const;
  void check_runs(Unit unit, RequestId request, StageId stage) const;
  Deployed& deployed(AppId app) const;
  Request* find(RequestId id);
  const App& app_of(const Request& request) const;

  void begin(Time now);
  Actions finish();
  void expire();

  Slot take_slot(Deployed& to);
  RequestId enter(AppId app, Time deadline);
  bool make_room(Deployed& to);
  bool is_hopeless_behind(const Request& request) const;
  Time work_before(Unit unit, const Ready& entry) const;

  void enqueue(Slot slot, StageId stage, StageEvent event);
  void unqueue(Request& request, StageId stage);
  void unlink(Request& request);
  void watch(Request& request);
  void end(Slot slot, RequestEvent event);
  void forget_if_drained(AppId app);

  void dispatch();
  bool start_next(Unit unit);
  bool start_keyed(Unit unit);
  bool start_asked(Unit unit);
  bool is_better_elsewhere(Unit unit, const Ready& entry);
  void launch(Unit unit, const Ready& entry);
  Candidate candidate(const Ready& entry) const;

  bool is_busy(Unit unit) const { return running_[index(unit)].request >= 0; }
  bool is_down(Unit unit) const { return (down_ >> unit & 1U) != 0; }
  static std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

  std::unique_ptr<CountingMemory> memory_ = std::make_unique<CountingMemory>();
  std::unique_ptr<Policy> policy_;
  std::vector<std::unique_ptr<Deployed>> apps_;  // null: forgotten
  Vec<Request> requests_;
  Vec<Slot> free_;  // slots of forgotten apps
  std::vector<Queue> queues_;
  Heap<Expiry, NoteExpiry> expiries_;
  Vec<Running> running_;
  Vec<Action> actions_;
  Vec<Ready> skipped_;
  Vec<Ready> ready_;
  Vec<Candidate> candidates_;
  std::uint64_t down_ = 0;
  std::int64_t live_ = 0;
  std::int64_t busy_ = 0;
  std::int64_t sequence_ = 0;
  Time now_ = 0;
  Time timer_ = 0;        // set for then; it has fired when that isn't after now
  Time wake_ = kNever;    // a unit idles until then at most, in favour of a better one
  bool skipped_any_ = false;
};

}  // namespace hetsched::core
