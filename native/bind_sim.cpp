// The simulator for Python: rows of numbers in, rows of numbers and bytes out.
#include "bind_sim.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind_core.hpp"
#include "inside.hpp"
#include "sim/simulation.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace hc = hetsched::core;
namespace hs = hetsched::sim;

namespace {

using LevelRow = std::tuple<double, double, double>;  // Hz, slowdown, mW
using UnitRow = std::tuple<std::vector<LevelRow>, std::int32_t, double, double, hc::Time, hc::Time,
                           std::vector<std::pair<hc::Time, hc::Time>>, std::int32_t, double>;
using EdgeRow = std::tuple<std::int32_t, std::int32_t, double>;
using ZoneRow = std::tuple<std::int32_t, double, double, std::vector<hc::Unit>>;
using HeatRow = std::tuple<std::vector<double>, std::vector<double>, std::vector<EdgeRow>, double,
                           double, hc::Time, std::vector<ZoneRow>>;
using TransferRow = std::tuple<std::int32_t, double, std::int64_t>;
using WorkRow = std::tuple<double, std::vector<TransferRow>, double, double, double, double>;
using VariationRow = std::tuple<int, double, std::vector<double>>;
using WorkedStage = std::pair<std::vector<WorkRow>, VariationRow>;
using TriggerRow = std::tuple<hc::AppId, double, std::int32_t, bool>;
using LoadRow = std::pair<hc::Time, double>;
using SpanRow = std::pair<hc::Time, hc::Time>;

hc::Time or_never(hc::Time time) { return time < 0 ? hc::kNever : time; }

hs::SimUnit unit_of(const UnitRow& row) {
  hs::SimUnit unit;
  for (const auto& [hz, slowdown, power] : std::get<0>(row)) {
    unit.levels.push_back({hz, slowdown, power});
  }
  unit.level = std::get<1>(row);
  unit.reference_power = std::get<2>(row);
  unit.idle_power = std::get<3>(row);
  unit.keep = std::get<4>(row);
  unit.wake = std::get<5>(row);
  for (const auto& [down, up] : std::get<6>(row)) unit.outages.emplace_back(down, or_never(up));
  unit.node = std::get<7>(row);
  unit.sleep_power = std::get<8>(row);
  if (unit.levels.empty() || unit.level < 0 || unit.level >= std::ssize(unit.levels)) {
    throw std::invalid_argument("a unit has one level at least, and one of them");
  }
  return unit;
}

std::optional<hs::HeatSpec> heat_of(const std::optional<HeatRow>& row) {
  if (!row) return std::nullopt;
  hs::HeatSpec heat;
  heat.capacity = std::get<0>(*row);
  heat.to_air = std::get<1>(*row);
  for (const auto& [first, second, conductance] : std::get<2>(*row)) {
    heat.edges.push_back({first, second, conductance});
  }
  heat.air = std::get<3>(*row);
  heat.initial = std::get<4>(*row);
  heat.period = std::get<5>(*row);
  for (const auto& [node, trip, hysteresis, units] : std::get<6>(*row)) {
    heat.zones.push_back({node, trip, hysteresis, units});
  }
  return heat;
}

hs::Stage stage_of(const WorkedStage& row) {
  hs::Stage stage;
  for (const auto& [fixed, transfers, compute, traffic, bytes, power] : row.first) {
    hs::Work work{.fixed = fixed, .transfers = {}, .compute = compute, .traffic = traffic,
                  .bytes = bytes, .power = power};
    for (const auto& [link, shared, moved] : transfers) {
      work.transfers.push_back({link, shared, moved});
    }
    stage.works.push_back(std::move(work));
  }
  const auto& [kind, sigma, factors] = row.second;
  stage.variation = {static_cast<hs::Variation::Kind>(kind), sigma, factors};
  return stage;
}

class BoundSimulation {
 public:
  BoundSimulation(const std::vector<UnitRow>& units, const std::string& policy,
        const std::optional<HeatRow>& heat, hs::Options options)
      : core_(units_of(units), heat_of(heat),
              hc::make_policy(policy, static_cast<hc::Unit>(units.size())), options) {}
  BoundSimulation(const std::vector<UnitRow>& units, std::vector<std::int32_t> order,
        const std::optional<HeatRow>& heat, hs::Options options)
      : core_(units_of(units), heat_of(heat),
              hc::make_static(std::move(order), static_cast<hc::Unit>(units.size())), options) {}
  BoundSimulation(const std::vector<UnitRow>& units, nb::callable chooser,
        const std::optional<HeatRow>& heat, hs::Options options)
      : chooser_(std::make_unique<PythonChooser>(std::move(chooser))),
        core_(units_of(units), heat_of(heat), chooser_->policy(), options) {}

  bool step(std::int64_t events) {
    const Inside inside(inside_, kName);
    if (chooser_) return core_.step(events);
    const nb::gil_scoped_release release;
    return core_.step(events);
  }
  std::string take_error() { return chooser_ ? chooser_->take_error() : std::string(); }
  // Throws std::runtime_error in the middle of a step.
  hs::Simulation& core() {
    const Inside inside(inside_, kName);
    return core_;
  }

 private:
  static constexpr const char* kName = "the simulation";

  static std::vector<hs::SimUnit> units_of(const std::vector<UnitRow>& rows) {
    std::vector<hs::SimUnit> units;
    for (const UnitRow& row : rows) units.push_back(unit_of(row));
    return units;
  }

  std::unique_ptr<PythonChooser> chooser_;
  bool inside_ = false;
  hs::Simulation core_;
};

template <typename Policy>
void construct(BoundSimulation* self, const std::vector<UnitRow>& units, Policy policy,
               const std::optional<HeatRow>& heat, std::uint64_t seed, hc::Time duration,
               bool drains, bool traces, bool keeps_requests, std::int32_t ticks,
               double memory_bytes, std::int32_t links) {
  const hs::Options options{.seed = seed,
                            .duration = duration,
                            .drains = drains,
                            .traces = traces,
                            .keeps_requests = keeps_requests,
                            .ticks = ticks,
                            .memory_bytes = memory_bytes,
                            .links = links};
  new (self) BoundSimulation(units, std::move(policy), heat, options);
}

template <typename Policy, typename Class>
void define_constructor(Class& bound) {
  bound.def("__init__", &construct<Policy>, "units"_a, "policy"_a, nb::kw_only(),
            "heat"_a.none(), "seed"_a, "duration_ns"_a, "drains"_a, "traces"_a,
            "keeps_requests"_a, "ticks"_a, "memory_bytes_per_ns"_a, "links"_a);
}

hs::Arrivals arrivals_of(int kind, double interval, double phase, double jitter, double on,
                         double off, bool is_random, double think, std::int32_t clients,
                         std::vector<hc::Time> times, hc::Time start, hc::Time stop,
                         std::vector<LoadRow> load, const std::vector<SpanRow>& active) {
  hs::Arrivals arrivals{.kind = static_cast<hs::Arrivals::Kind>(kind),
          .interval = interval,
          .phase = phase,
          .jitter = jitter,
          .on = on,
          .off = off,
          .is_random = is_random,
          .think = think,
          .clients = clients,
          .times = std::move(times),
          .start = start,
          .stop = or_never(stop),
          .load = std::move(load),
          .active = {}};
  for (const auto& [from, to] : active) arrivals.active.emplace_back(from, or_never(to));
  return arrivals;
}

hc::AppId add(BoundSimulation& bound, const std::vector<StageRow>& nodes,
              const std::vector<WorkedStage>& stages, const hs::Arrivals& arrivals,
              const std::vector<TriggerRow>& triggers, hc::Time deadline, std::int64_t priority,
              std::int64_t weight, std::int64_t capacity, int full, int admission,
              bool drops_late, std::int32_t turn, hc::Time timeout) {
  hs::SimApp app;
  app.timeout = or_never(timeout);
  app.spec = app_spec(nodes, deadline, priority, weight, capacity, full, admission, drops_late, turn);
  for (const WorkedStage& row : stages) app.stages.push_back(stage_of(row));
  app.arrivals = arrivals;
  for (const auto& [after, probability, count, carries] : triggers) {
    app.triggers.push_back({after, probability, count, carries});
  }
  return bound.core().add(std::move(app));
}

template <typename Record>
nb::bytes take(std::vector<Record>& records) {
  nb::bytes result(records.data(), records.size() * sizeof(Record));
  records.clear();
  return result;
}

nb::dict app_result(const hs::Simulation::AppResult& app) {
  nb::dict result;
  result["requests"] = app.requests;
  nb::list ended;
  for (const std::int64_t count : app.ended) ended.append(count);
  result["ended"] = ended;
  result["energy_pj"] = app.energy;
  result["results"] = app.latency.count();
  result["latency_sum_ns"] = app.latency.sum();
  result["latency_most_ns"] = app.latency.most();
  nb::list quantiles;
  for (const std::int64_t each : {500, 900, 950, 990, 999}) {
    quantiles.append(app.latency.quantile(each));
  }
  result["quantiles_ns"] = quantiles;
  result["is_exact"] = app.latency.is_exact();
  return result;
}

}  // namespace

void bind_sim(nb::module_& m) {
  nb::class_<hs::Arrivals>(m, "Arrivals")
      .def(
          "__init__",
          [](hs::Arrivals* self, int kind, double interval, double phase, double jitter, double on,
             double off, bool is_random, double think, std::int32_t clients,
             std::vector<hc::Time> times, hc::Time start, hc::Time stop,
             std::vector<LoadRow> load, const std::vector<SpanRow>& active) {
            new (self) hs::Arrivals(arrivals_of(kind, interval, phase, jitter, on, off, is_random,
                                                think, clients, std::move(times), start, stop,
                                                std::move(load), active));
          },
          nb::kw_only(), "kind"_a, "interval_ns"_a, "phase_ns"_a, "jitter_ns"_a, "on_ns"_a,
          "off_ns"_a, "is_random"_a, "think_ns"_a, "clients"_a, "times_ns"_a, "start_ns"_a,
          "stop_ns"_a, "load"_a, "active"_a);
  nb::class_<BoundSimulation> bound(m, "Simulation");
  define_constructor<std::string>(bound);
  define_constructor<std::vector<std::int32_t>>(bound);
  define_constructor<nb::callable>(bound);
  bound
      .def("add", &add, "nodes"_a, "stages"_a, "arrivals"_a, "triggers"_a, nb::kw_only(),
           "deadline_ns"_a, "priority"_a, "weight"_a, "capacity"_a, "full"_a, "admission"_a,
           "drops_late"_a, "turn"_a, "timeout_ns"_a)
      .def("step", &BoundSimulation::step, "events"_a)
      .def("take_error", &BoundSimulation::take_error)
      .def("take_trace", [](BoundSimulation& self) { return take(self.core().trace()); })
      .def("take_requests", [](BoundSimulation& self) { return take(self.core().requests()); })
      .def("ticks",
           [](BoundSimulation& self) {
             const std::vector<double>& ticks = self.core().ticks();
             return nb::bytes(ticks.data(), ticks.size() * sizeof(double));
           })
      .def("hottest", [](BoundSimulation& self) { return self.core().hottest(); })
      .def("temperatures", [](BoundSimulation& self) { return self.core().temperatures(); })
      .def(
          "app", [](BoundSimulation& self, hc::AppId app) { return app_result(self.core().app(app)); },
          "app"_a)
      .def(
          "unit",
          [](BoundSimulation& self, hc::Unit unit) {
            const hs::Simulation::UnitResult& found = self.core().unit(unit);
            return nb::make_tuple(found.busy, found.energy, found.stages, found.throttled,
                                  found.throttled_at);
          },
          "unit"_a)
      .def_prop_ro("trace_events", [](BoundSimulation& self) { return self.core().trace().size(); })
      .def_prop_ro("now_ns", [](BoundSimulation& self) { return self.core().now(); })
      .def_prop_ro("events", [](BoundSimulation& self) { return self.core().events(); });
}
