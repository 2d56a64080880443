// Apps on a SoC in virtual time: the dispatcher decides, this is the world that it decides about.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"
#include "sim/arrivals.hpp"
#include "sim/heat.hpp"
#include "sim/histogram.hpp"
#include "sim/model.hpp"
#include "sim/queue.hpp"
#include "sim/records.hpp"

namespace hetsched::sim {

// Of what happens at the same time, first come ends of stages in the order of units, then units that
// fall asleep, outages and returns, looks at temperatures, snapshots, timeouts, arrivals in the order
// of apps, the dispatcher's timer.
class Simulation {
 public:
  Simulation(std::vector<SimUnit> units, std::optional<HeatSpec> heat,
             std::unique_ptr<core::Policy> policy, Options options);

  // Before the first step. Throws std::invalid_argument naming the stage that is wrong.
  AppId add(SimApp app);
  // So many events at most; false when the simulation is over.
  bool step(std::int64_t events);

  struct AppResult {
    std::int64_t requests = 0;
    std::array<std::int64_t, 5> ended{};  // by status
    double energy = 0.0;                  // pJ
    Histogram latency;                    // of requests with a result
  };
  struct UnitResult {
    Time busy = 0;
    double energy = 0.0;  // pJ
    std::int64_t stages = 0;
    Time throttled = 0;     // below the clock that it began at
    Time throttled_at = -1;  // for the first time; -1 for never
  };
  const AppResult& app(AppId app) const { return apps_[at(app)].result; }
  const UnitResult& unit(Unit unit) const { return results_[at(unit)]; }
  Time now() const { return now_; }
  std::int64_t events() const { return events_; }
  std::vector<Event>& trace() { return trace_; }
  std::vector<RequestRecord>& requests() { return requests_; }
  // Rows of: time, live requests; per unit busy ns, pJ, clock; per app requests, completed, missed,
  // dropped; per node its temperature.
  const std::vector<double>& ticks() const { return ticks_; }
  std::vector<double> hottest() const { return hottest_; }
  std::vector<double> temperatures() const;  // of the nodes, as they are now

 private:
  struct Child {
    AppId app;
    std::size_t trigger;
  };
  struct AppState {
    SimApp app;
    ArrivalProcess process;
    std::vector<std::int32_t> choice;  // (stage, unit): index of the alternative
    std::vector<Child> children;
    AppResult result;
  };
  struct Live {
    std::int64_t number = -1;
    std::int64_t nth = 0;  // of its app
    AppId app = -1;
    bool is_client = false;
    Time arrival = 0;
    Time deadline = kNever;
    Time origin = 0;
    double energy = 0.0;
  };
  struct Running {
    RequestId request = -1;  // -1: idle
    std::int64_t number = -1;
    AppId app = -1;
    StageId stage = -1;
    const Work* work = nullptr;
    std::size_t phase = 0;  // 0 fixed, then the transfers, then computing
    double fixed = 0.0;
    double factor = 1.0;    // of this run's computing
    double left = 0.0;      // of the phase, alone, when `since` was
    double rate = 1.0;
    Time since = 0;
    Time started = 0;
  };
  enum class What {
    kNothing, kPhase, kSleep, kOutage, kLook, kTick, kTimeout, kArrival, kTimer
  };

  // ---- what happens next: simulation.cpp
  void begin();
  bool advance();
  bool is_stuck() const;  // nothing runs, and nothing will
  void finish();
  std::pair<What, Time> next() const;
  void happen(What what);
  void take_tick();
  void look();

  // ---- requests: requests.cpp
  void arrive();
  void pull(AppId app);
  void submit(const Arrival& arrival);
  void follow(core::Dispatcher::Actions actions);
  void follow(const core::Action& action);
  void finished(const core::Action& action);
  void trigger(AppState& parent, AppId app, const Live& request);
  void time_out();

  // ---- units: running.cpp
  void start(const core::Action& action);
  bool enter_phase(Running& running, std::size_t first) const;
  void end_phase(Unit unit);
  void stop(Unit unit);
  void rest(Unit unit);
  void fall_asleep(Unit unit);
  void turn_outage();
  void set_rates();
  double memory_factor() const;
  double rate_of(const Running& running, double slowdown, double factor) const;
  double draw(const AppState& app, std::int64_t nth, StageId stage) const;

  // ---- power: running.cpp
  void account(Unit unit);
  void set_power(Unit unit, double mw);
  double busy_power(Unit unit) const;
  void set_level(Unit unit, std::int32_t level);
  void count_throttling(Unit unit);

  void note(std::int16_t kind, Unit unit, std::int64_t request, AppId app, StageId stage,
            std::int64_t value = -1) {
    if (!options_.traces) return;
    trace_.push_back({now_, request, value, kind, static_cast<std::int16_t>(unit), app, stage});
  }
  bool is_computing(const Running& running) const {
    return running.request >= 0 && running.phase > running.work->transfers.size();
  }
  const Level& level(Unit unit) const {
    return units_[at(unit)].levels[static_cast<std::size_t>(levels_[at(unit)])];
  }
  static std::size_t at(std::int64_t value) { return static_cast<std::size_t>(value); }

  struct Outage {
    Time time;
    Unit unit;
    bool is_return;
  };

  Options options_;
  std::vector<SimUnit> units_;
  std::optional<HeatSpec> spec_;
  std::optional<Heat> heat_;
  core::Dispatcher dispatcher_;
  std::vector<AppState> apps_;
  ArrivalQueue arrivals_;
  TimeoutQueue timeouts_;
  std::vector<Live> live_;  // by the dispatcher's slots
  std::vector<Running> running_;
  std::vector<Time> ends_;  // per unit, of its present phase
  std::vector<Time> idle_since_;
  std::vector<Time> sleeps_;  // when the unit falls asleep
  std::vector<double> power_;
  std::vector<Time> power_since_;
  std::vector<std::int32_t> levels_;
  std::vector<Time> throttled_since_;  // kNever: it isn't
  std::vector<UnitResult> results_;
  std::vector<std::int32_t> users_;  // per link
  std::vector<Outage> outages_;
  std::size_t outage_ = 0;
  Time look_ = kNever;
  std::int32_t tick_ = 0;
  Time tick_at_ = kNever;
  Time timer_ = kNever;
  Time now_ = 0;
  std::int64_t events_ = 0;
  std::int64_t standing_ = 0;  // events since time went on
  std::int64_t submitted_ = 0;
  bool has_begun_ = false;
  bool is_over_ = false;
  bool is_dirty_ = false;
  std::uint64_t fresh_ = 0;  // a bit per unit: its phase has no rate yet
  std::vector<Event> trace_;
  std::vector<RequestRecord> requests_;
  std::vector<double> ticks_;
  std::vector<double> hottest_;
};

}  // namespace hetsched::sim
