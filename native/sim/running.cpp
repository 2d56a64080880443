// The simulation, where stages run: in phases, at rates that others change, for power.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "core/slots.hpp"
#include "sim/simulation.hpp"

namespace hetsched::sim {
namespace {

constexpr double kFarthest = 0x1p60;
constexpr double kMostCrowded = 1e6;
constexpr double kEnough = 1e-12;
constexpr int kRounds = 64;

}  // namespace

void Simulation::start(const core::Action& action) {
  const Unit unit = action.unit;
  const Live& live = live_[at(core::slot_of(action.request))];
  const AppState& app = apps_[at(live.app)];
  const auto stage = at(action.stage);
  const std::int32_t choice = app.choice[stage * units_.size() + at(unit)];
  const SimUnit& spec = units_[at(unit)];
  const Time idle = now_ - idle_since_[at(unit)];
  account(unit);
  Running& running = running_[at(unit)];
  running.request = action.request;
  running.number = live.number;
  running.app = live.app;
  running.stage = action.stage;
  running.work = &app.app.stages[stage].works[at(choice)];
  running.fixed = running.work->fixed + (idle > spec.keep ? static_cast<double>(spec.wake) : 0.0);
  running.factor = draw(app, live.nth, action.stage);
  running.started = now_;
  if (!enter_phase(running, 0)) {
    running.phase = running.work->transfers.size() + 1;
    running.left = 0.0;
  }
  is_dirty_ = true;
  fresh_ |= std::uint64_t{1} << unit;
  sleeps_[at(unit)] = kNever;
  set_power(unit, busy_power(unit));
  note(kind::kStarted, unit, live.number, live.app, action.stage);
}

// The first phase from `first` on that takes time; false when there is none.
bool Simulation::enter_phase(Running& running, std::size_t first) const {
  const Work& work = *running.work;
  const std::size_t computing = work.transfers.size() + 1;
  for (std::size_t phase = first; phase <= computing; ++phase) {
    double left = running.fixed;
    if (phase > 0) left = phase == computing ? work.compute * running.factor
                                             : work.transfers[phase - 1].shared;
    if (left <= 0.0) continue;
    running.phase = phase;
    running.left = left;
    return true;
  }
  return false;
}

void Simulation::end_phase(Unit unit) {
  Running& running = running_[at(unit)];
  const std::size_t phase = running.phase;
  if (phase > 0 && !is_computing(running)) {
    note(kind::kCopied, unit, running.number, running.app, running.stage,
         running.work->transfers[phase - 1].bytes);
  }
  is_dirty_ = true;
  if (enter_phase(running, phase + 1)) {
    fresh_ |= std::uint64_t{1} << unit;
    return;
  }
  const RequestId request = running.request;
  const StageId stage = running.stage;
  note(kind::kEnded, unit, running.number, running.app, stage);
  stop(unit);
  ++results_[at(unit)].stages;
  follow(dispatcher_.stage_done(now_, unit, request, stage));
}

void Simulation::stop(Unit unit) {
  account(unit);
  Running& running = running_[at(unit)];
  results_[at(unit)].busy += now_ - running.started;
  running.request = -1;
  ends_[at(unit)] = kNever;
  is_dirty_ = true;
  rest(unit);
}

// Nothing runs there from now on.
void Simulation::rest(Unit unit) {
  const SimUnit& spec = units_[at(unit)];
  idle_since_[at(unit)] = now_;
  set_power(unit, spec.idle_power);
  if (spec.sleep_power >= 0.0) sleeps_[at(unit)] = core::later(now_, spec.keep);
}

void Simulation::fall_asleep(Unit unit) {
  sleeps_[at(unit)] = kNever;
  set_power(unit, units_[at(unit)].sleep_power);
}

void Simulation::turn_outage() {
  const Outage outage = outages_[outage_++];
  const Unit unit = outage.unit;
  if (outage.is_return) {
    rest(unit);
    note(kind::kUnitUp, unit, -1, -1, -1);
    follow(dispatcher_.unit_up(now_, unit));
    return;
  }
  const Running& running = running_[at(unit)];
  if (running.request >= 0) {
    note(kind::kFailed, unit, running.number, running.app, running.stage, 1);
    stop(unit);
  }
  sleeps_[at(unit)] = kNever;
  set_power(unit, 0.0);
  note(kind::kUnitDown, unit, -1, -1, -1);
  follow(dispatcher_.unit_down(now_, unit));
}

// How much longer than expected this stage of this request takes, on whichever unit.
double Simulation::draw(const AppState& app, std::int64_t nth, StageId stage) const {
  const Variation& variation = app.app.stages[at(stage)].variation;
  if (variation.kind == Variation::Kind::kNone) return 1.0;
  Stream random(options_.seed, Purpose::kStage, {&app - apps_.data(), nth, stage});
  switch (variation.kind) {
    case Variation::Kind::kLognormal:
      return power_of_e(std::min(variation.sigma * random.normal(), 700.0));
    case Variation::Kind::kExponential:
      return random.exponential();
    case Variation::Kind::kQuantiles: {
      const std::vector<double>& factors = variation.factors;
      const double position = random.uniform() * static_cast<double>(factors.size() - 1);
      const auto below = static_cast<std::size_t>(position);
      const double share = position - static_cast<double>(below);
      return factors[below] + (factors[below + 1] - factors[below]) * share;
    }
    case Variation::Kind::kNone:
      break;
  }
  return 1.0;
}

// Rates hold from now until the next event that changes them; so do the ends that follow.
void Simulation::set_rates() {
  if (!is_dirty_) return;
  is_dirty_ = false;
  const bool can_change = options_.memory_bytes > 0.0 || !users_.empty() || spec_.has_value();
  const std::uint64_t fresh = std::exchange(fresh_, 0);
  std::uint64_t open = can_change ? ~std::uint64_t{0} >> (64 - running_.size()) : fresh;
  const double factor = options_.memory_bytes > 0.0 ? memory_factor() : 1.0;
  if (!users_.empty()) {
    std::fill(users_.begin(), users_.end(), 0);
    for (const Running& running : running_) {
      if (running.request < 0 || running.phase == 0 || is_computing(running)) continue;
      ++users_[at(running.work->transfers[running.phase - 1].link)];
    }
  }
  for (; open != 0; open &= open - 1) {
    const auto u = static_cast<std::size_t>(std::countr_zero(open));
    Running& running = running_[u];
    if (running.request < 0) continue;
    const double rate = rate_of(running, level(static_cast<Unit>(u)).slowdown, factor);
    const bool is_fresh = (fresh >> u & 1U) != 0;
    if (!is_fresh && rate == running.rate) continue;
    if (!is_fresh) {
      const double done = static_cast<double>(now_ - running.since) * running.rate;
      running.left = std::max(running.left - done, 0.0);
    }
    running.since = now_;
    running.rate = rate;
    ends_[u] = now_ + static_cast<Time>(std::min(std::ceil(running.left / rate), kFarthest));
  }
}

double Simulation::rate_of(const Running& running, double slowdown, double factor) const {
  if (running.phase == 0) return 1.0;
  if (!is_computing(running)) {
    return 1.0 / users_[at(running.work->transfers[running.phase - 1].link)];
  }
  if (slowdown == 1.0 && factor == 1.0) return 1.0;
  const double traffic = running.work->traffic;
  return 1.0 / ((1.0 - traffic) * slowdown + traffic * factor);
}

// How many times as long memory traffic takes: 1 while stages together ask for no more than there
// is, else so long that they get exactly what there is. Source: hetsched/cost/analytic_contention.py,
// the same equation; Newton's method from below, where what they get is convex and falls.
double Simulation::memory_factor() const {
  struct Demand {
    double arithmetic;
    double traffic;
    double bytes;
  };
  std::array<Demand, static_cast<std::size_t>(core::kMaxUnits)> demands;
  std::size_t count = 0;
  for (std::size_t u = 0; u < running_.size(); ++u) {
    const Running& running = running_[u];
    if (!is_computing(running) || running.work->bytes <= 0.0) continue;
    const double traffic = running.work->traffic;
    const double slowdown = level(static_cast<Unit>(u)).slowdown;
    demands[count++] = {(1.0 - traffic) * slowdown, traffic, running.work->bytes};
  }
  double factor = 1.0;
  for (int round = 0; round < kRounds; ++round) {
    double taken = 0.0;
    double slope = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      const double time = demands[i].arithmetic + demands[i].traffic * factor;
      const double share = demands[i].bytes / time;
      taken += share;
      slope += share * demands[i].traffic / time;
    }
    if (taken <= options_.memory_bytes) break;
    const double next = factor + (taken - options_.memory_bytes) / slope;
    if (!(next < kMostCrowded)) return kMostCrowded;
    const bool is_close = next - factor <= kEnough * factor;
    factor = next;
    if (is_close) break;
  }
  return factor;
}

void Simulation::account(Unit unit) {
  const std::size_t u = at(unit);
  const Time since = now_ - power_since_[u];
  power_since_[u] = now_;
  if (since == 0 || power_[u] == 0.0) return;
  const double energy = power_[u] * static_cast<double>(since);
  results_[u].energy += energy;
  const Running& running = running_[u];
  if (running.request < 0) return;
  apps_[at(running.app)].result.energy += energy;
  Live& live = live_[at(core::slot_of(running.request))];
  if (live.number == running.number) live.energy += energy;
}

void Simulation::set_power(Unit unit, double mw) {
  const std::size_t u = at(unit);
  if (mw == power_[u]) return;
  account(unit);
  if (heat_ && units_[u].node >= 0) {
    heat_->advance(now_);
    heat_->add_power(units_[u].node, mw - power_[u]);
  }
  power_[u] = mw;
}

// A stage's own power falls with the unit's at a lower clock.
double Simulation::busy_power(Unit unit) const {
  const Work& work = *running_[at(unit)].work;
  const double now = level(unit).power;
  if (work.power < 0.0) return now;
  const double reference = units_[at(unit)].reference_power;
  return reference > 0.0 ? work.power * (now / reference) : work.power;
}

// Up to now; from now on it may be another level.
void Simulation::count_throttling(Unit unit) {
  Time& since = throttled_since_[at(unit)];
  if (since != kNever) results_[at(unit)].throttled += now_ - since;
  since = levels_[at(unit)] > units_[at(unit)].level ? now_ : kNever;
  Time& first = results_[at(unit)].throttled_at;
  if (since != kNever && first < 0) first = now_;
}

void Simulation::set_level(Unit unit, std::int32_t level_to) {
  levels_[at(unit)] = level_to;
  count_throttling(unit);
  is_dirty_ = true;
  if (running_[at(unit)].request >= 0) set_power(unit, busy_power(unit));
  note(kind::kFrequency, unit, -1, -1, -1, static_cast<std::int64_t>(level(unit).hz));
}

}  // namespace hetsched::sim
