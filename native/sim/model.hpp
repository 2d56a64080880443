// What is simulated, as numbers. Who builds it has checked it: times in ns, power in mW.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/app.hpp"
#include "core/types.hpp"

namespace hetsched::sim {

using core::AppId;
using core::kNever;
using core::RequestId;
using core::StageId;
using core::Time;
using core::Unit;

// How much longer or shorter than expected a stage's computing takes, from run to run.
struct Variation {
  enum class Kind : std::int32_t { kNone, kLognormal, kExponential, kQuantiles };
  Kind kind = Kind::kNone;
  double sigma = 0.0;
  std::vector<double> factors;  // at equally spaced probabilities from 0 to 1
};

struct Transfer {
  std::int32_t link;
  double shared;  // ns, as long as nobody else uses the link
  std::int64_t bytes;
};

// A stage on one of its units.
struct Work {
  double fixed = 0.0;  // dispatch and whatever else nothing slows down, at the start
  std::vector<Transfer> transfers;
  double compute = 0.0;
  double traffic = 0.0;    // share of `compute` that is memory traffic
  double bytes = 0.0;      // per ns of `compute`
  double power = -1.0;     // at the highest clock; negative: the unit's
};

struct Stage {
  std::vector<Work> works;  // one per alternative
  Variation variation;
};

struct Arrivals {
  enum class Kind : std::int32_t { kNone, kPeriodic, kPoisson, kBursty, kReplay, kClosed };
  Kind kind = Kind::kNone;
  double interval = 0.0;  // mean; of periodic arrivals exact
  double phase = 0.0;
  double jitter = 0.0;    // late by up to so much, evenly distributed
  double on = 0.0;        // of bursts
  double off = 0.0;
  bool is_random = false;  // the lengths of bursts and pauses, or of thinking, are exponential
  double think = 0.0;
  std::int32_t clients = 0;
  std::vector<Time> times;  // to be replayed, since the start
  Time start = 0;
  Time stop = kNever;
  std::vector<std::pair<Time, double>> load;  // from then on arrivals come so many times as fast
  std::vector<std::pair<Time, Time>> active;  // when the app can be triggered; always where empty

  bool is_active(Time now) const {
    for (const auto& [from, to] : active) {
      if (from <= now && now < to) return true;
    }
    return active.empty();
  }
};

// A request of the app follows one of another that has ended with a result.
struct Trigger {
  AppId after = -1;
  double probability = 1.0;
  std::int32_t count = 1;  // of requests, at once
  bool carries_deadline = false;
};

struct SimApp {
  core::AppSpec spec;
  std::vector<Stage> stages;
  Arrivals arrivals;
  std::vector<Trigger> triggers;
  Time timeout = kNever;  // since a request's arrival: it is cancelled when it takes longer
};

struct Level {
  double hz = 0.0;        // 0: unknown
  double slowdown = 1.0;  // of arithmetic, against the clock that costs are for
  double power = 0.0;
};

struct SimUnit {
  std::vector<Level> levels;  // highest first, at least one
  std::int32_t level = 0;
  double reference_power = 0.0;  // at the clock that costs are for
  double idle_power = 0.0;
  double sleep_power = -1.0;  // once `keep` is over; negative: as idle
  Time keep = 0;  // awake for so long after a stage
  Time wake = 0;  // what the next stage pays after that
  std::vector<std::pair<Time, Time>> outages;
  std::int32_t node = -1;  // of the heat network
};

// Nodes with heat capacity in J/K, joined by conductances in W/K to each other and to the air.
struct HeatSpec {
  struct Edge {
    std::int32_t first;
    std::int32_t second;
    double conductance;
  };
  struct Zone {
    std::int32_t node;
    double trip;        // in degrees C: from there on its units step down
    double hysteresis;  // so much below, they step up again
    std::vector<Unit> units;
  };
  std::vector<double> capacity;
  std::vector<double> to_air;
  std::vector<Edge> edges;
  double air = 0.0;      // degrees C
  double initial = 0.0;  // of all nodes
  Time period = 0;       // zones look at temperatures so often
  std::vector<Zone> zones;
};

struct Options {
  std::uint64_t seed = 0;
  Time duration = 0;
  bool drains = false;       // goes on until what came before `duration` has ended
  bool traces = false;
  bool keeps_requests = false;
  std::int32_t ticks = 0;    // snapshots, equally far apart
  double memory_bytes = 0.0;  // per ns, what all units together get; 0: nobody is slowed down
  std::int32_t links = 0;
};

}  // namespace hetsched::sim
