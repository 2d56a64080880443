// The simulation, where time goes on: what happens next.
#include "sim/simulation.hpp"

#include "core/slots.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>

namespace hetsched::sim {
namespace {

constexpr std::int64_t kStandstill = 4'000'000;

}  // namespace

Simulation::Simulation(std::vector<SimUnit> units, std::optional<HeatSpec> heat,
                       std::unique_ptr<core::Policy> policy, Options options)
    : options_(options),
      units_(std::move(units)),
      spec_(std::move(heat)),
      dispatcher_(static_cast<Unit>(units_.size()), std::move(policy)),
      running_(units_.size()),
      ends_(units_.size(), kNever),
      idle_since_(units_.size(), 0),
      sleeps_(units_.size(), kNever),
      power_(units_.size(), 0.0),
      power_since_(units_.size(), 0),
      throttled_since_(units_.size(), kNever),
      results_(units_.size()),
      users_(at(options.links), 0) {
  if (spec_) heat_.emplace(*spec_);
  for (const SimUnit& unit : units_) levels_.push_back(unit.level);
  for (std::size_t u = 0; u < units_.size(); ++u) {
    for (const auto& [down, up] : units_[u].outages) {
      outages_.push_back({down, static_cast<Unit>(u), false});
      if (up != kNever) outages_.push_back({up, static_cast<Unit>(u), true});
    }
  }
  std::stable_sort(outages_.begin(), outages_.end(), [](const Outage& a, const Outage& b) {
    return std::tie(a.time, a.unit) < std::tie(b.time, b.unit);
  });
}

AppId Simulation::add(SimApp app) {
  const AppId number = dispatcher_.deploy(app.spec);
  ArrivalProcess process(app.arrivals, options_.seed, number);
  std::vector<std::int32_t> choice(app.stages.size() * units_.size(), -1);
  for (std::size_t s = 0; s < app.stages.size(); ++s) {
    const auto& alternatives = app.spec.stages[s].alternatives;
    for (std::size_t c = 0; c < alternatives.size(); ++c) {
      choice[s * units_.size() + at(alternatives[c].unit)] = static_cast<std::int32_t>(c);
    }
  }
  apps_.push_back({std::move(app), std::move(process), std::move(choice), {}, {}});
  return number;
}

void Simulation::begin() {
  has_begun_ = true;
  for (std::size_t a = 0; a < apps_.size(); ++a) {
    const auto app = static_cast<AppId>(a);
    const auto& triggers = apps_[a].app.triggers;
    for (std::size_t t = 0; t < triggers.size(); ++t) {
      apps_[at(triggers[t].after)].children.push_back({app, t});
    }
    const bool is_closed = apps_[a].app.arrivals.kind == Arrivals::Kind::kClosed;
    for (std::int32_t i = 0; i < (is_closed ? apps_[a].app.arrivals.clients : 1); ++i) pull(app);
    note(kind::kDeployed, -1, -1, app, -1, app);
  }
  for (Unit u = 0; u < dispatcher_.units(); ++u) {
    rest(u);
    if (level(u).hz > 0.0) {
      note(kind::kFrequency, u, -1, -1, -1, static_cast<std::int64_t>(level(u).hz));
    }
  }
  if (spec_) look_ = spec_->period;
  if (heat_) hottest_.assign(heat_->nodes(), spec_->initial);
  if (options_.ticks > 0) tick_at_ = options_.duration / options_.ticks;
}

bool Simulation::step(std::int64_t events) {
  if (!has_begun_) begin();
  for (; events > 0 && !is_over_; --events) {
    if (!advance()) finish();
  }
  return !is_over_;
}

std::pair<Simulation::What, Time> Simulation::next() const {
  What what = What::kNothing;
  Time first = kNever;
  const auto consider = [&](What candidate, Time time) {
    if (time >= first) return;
    what = candidate;
    first = time;
  };
  for (const Time end : ends_) consider(What::kPhase, end);
  for (const Time sleep : sleeps_) consider(What::kSleep, sleep);
  if (outage_ < outages_.size()) consider(What::kOutage, outages_[outage_].time);
  consider(What::kLook, look_);
  consider(What::kTick, tick_at_);
  consider(What::kTimeout, timeouts_.first());
  consider(What::kArrival, arrivals_.first());
  consider(What::kTimer, timer_);
  return {what, first};
}

bool Simulation::advance() {
  const auto [what, time] = next();
  if (what == What::kNothing) return false;
  if (time > options_.duration) {
    const bool is_settled = dispatcher_.live() == 0 && arrivals_.empty();
    if (!options_.drains || is_settled) return false;
    // Nothing runs and nothing will: temperatures and sleep alone don't change that.
    const bool changes_little = what == What::kLook || what == What::kSleep;
    if (changes_little && is_stuck()) return false;
  }
  standing_ = time > now_ ? 0 : standing_ + 1;
  if (standing_ > kStandstill) {
    throw std::runtime_error("time stands still at " + std::to_string(now_) + " ns");
  }
  now_ = time;
  ++events_;
  happen(what);
  timeouts_.forget([this](const Timeout& timeout) {
    return live_[at(core::slot_of(timeout.request))].number == timeout.number;
  });
  set_rates();
  return true;
}

void Simulation::happen(What what) {
  switch (what) {
    case What::kPhase:
      end_phase(static_cast<Unit>(std::find(ends_.begin(), ends_.end(), now_) - ends_.begin()));
      break;
    case What::kSleep:
      fall_asleep(static_cast<Unit>(std::find(sleeps_.begin(), sleeps_.end(), now_) -
                                    sleeps_.begin()));
      break;
    case What::kOutage:
      turn_outage();
      break;
    case What::kLook:
      look();
      break;
    case What::kTick:
      take_tick();
      break;
    case What::kTimeout:
      time_out();
      break;
    case What::kArrival:
      arrive();
      break;
    case What::kTimer:
      timer_ = kNever;
      follow(dispatcher_.timer(now_));
      break;
    case What::kNothing:
      break;
  }
}

bool Simulation::is_stuck() const {
  return timer_ == kNever && outage_ == outages_.size() && arrivals_.empty() &&
         timeouts_.first() == kNever &&
         std::all_of(ends_.begin(), ends_.end(), [](Time end) { return end == kNever; });
}

void Simulation::finish() {
  is_over_ = true;
  now_ = std::max(now_, options_.duration);
  if (heat_) heat_->advance(now_);
  for (Unit u = 0; u < dispatcher_.units(); ++u) {
    account(u);
    count_throttling(u);
    const Running& running = running_[at(u)];
    if (running.request >= 0) results_[at(u)].busy += now_ - running.started;
  }
}

// Zones step their units' clocks down where it is too hot, and up again where it has cooled.
void Simulation::look() {
  look_ += spec_->period;
  heat_->advance(now_);
  for (std::size_t node = 0; node < heat_->nodes(); ++node) {
    const double degrees = heat_->temperature(node);
    hottest_[node] = std::max(hottest_[node], degrees);
    note(kind::kTemperature, -1, -1, -1, static_cast<StageId>(node),
         static_cast<std::int64_t>(degrees * 1000.0));
  }
  for (const HeatSpec::Zone& zone : spec_->zones) {
    const double degrees = heat_->temperature(at(zone.node));
    const std::int32_t by = degrees >= zone.trip ? 1 : degrees < zone.trip - zone.hysteresis ? -1 : 0;
    if (by == 0) continue;
    for (const Unit unit : zone.units) {
      const auto lowest = static_cast<std::int32_t>(units_[at(unit)].levels.size()) - 1;
      const std::int32_t to = std::clamp(levels_[at(unit)] + by, units_[at(unit)].level, lowest);
      if (to != levels_[at(unit)]) set_level(unit, to);
    }
  }
}

// Changes nothing: what is under way is counted as far as it is.
void Simulation::take_tick() {
  ++tick_;
  tick_at_ = tick_ < options_.ticks ? (tick_ + 1) * (options_.duration / options_.ticks) : kNever;
  ticks_.push_back(static_cast<double>(now_));
  ticks_.push_back(static_cast<double>(dispatcher_.live()));
  for (Unit u = 0; u < dispatcher_.units(); ++u) {
    const Running& running = running_[at(u)];
    const Time busy = running.request >= 0 ? now_ - running.started : 0;
    const double since = static_cast<double>(now_ - power_since_[at(u)]);
    ticks_.push_back(static_cast<double>(results_[at(u)].busy + busy));
    ticks_.push_back(results_[at(u)].energy + power_[at(u)] * since);
    ticks_.push_back(level(u).hz);
  }
  for (const AppState& app : apps_) {
    ticks_.push_back(static_cast<double>(app.result.requests));
    for (std::size_t status = 0; status < 3; ++status) {
      ticks_.push_back(static_cast<double>(app.result.ended[status]));
    }
  }
  if (!heat_) return;
  heat_->advance(now_);
  for (std::size_t node = 0; node < heat_->nodes(); ++node) {
    ticks_.push_back(heat_->temperature(node));
  }
}

std::vector<double> Simulation::temperatures() const {
  std::vector<double> degrees;
  if (!heat_) return degrees;
  for (std::size_t node = 0; node < heat_->nodes(); ++node) {
    degrees.push_back(heat_->temperature(node));
  }
  return degrees;
}

}  // namespace hetsched::sim
