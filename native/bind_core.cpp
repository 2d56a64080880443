// The dispatcher for Python: plain integers in, tuples of four integers out.
#include "bind_core.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "bind_dispatcher.hpp"
#include "core/dispatcher.hpp"
#include "core/drive.hpp"
#include "core/policy.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace hc = hetsched::core;

namespace {

nb::tuple row(const hc::Action& action) {
  const int kind = static_cast<int>(action.kind);
  switch (action.kind) {
    case hc::Action::Kind::kStart:
      return nb::make_tuple(kind, action.unit, action.request, action.stage);
    case hc::Action::Kind::kFinish:
      return nb::make_tuple(kind, -1, action.request, static_cast<int>(action.status));
    case hc::Action::Kind::kTimer:
      return nb::make_tuple(kind, -1, action.at, 0);
  }
  throw std::logic_error("an action of no kind");
}

hc::AppId deploy(BoundDispatcher& bound, const std::vector<StageRow>& stages, hc::Time deadline,
                 std::int64_t priority, std::int64_t weight, std::int64_t capacity, int full,
                 int admission, bool drops_late, std::int32_t turn) {
  return bound.handle([&](hc::Dispatcher& core) {
    return core.deploy(app_spec(stages, deadline, priority, weight, capacity, full, admission,
                                drops_late, turn));
  });
}

std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t> drive(
    BoundDispatcher& bound, hc::AppId apps, std::int32_t depth, std::int64_t starts, hc::Time longest,
    std::uint64_t seed) {
  const hc::Driven driven = bound.handle([&](hc::Dispatcher& core) {
    return hc::drive(core, apps, depth, starts, longest, seed);
  });
  return {driven.starts, driven.events, driven.finishes, driven.allocations};
}

nb::tuple row(const hc::Candidate& each) {
  return nb::make_tuple(each.request, each.app, each.stage, each.arrival,
                        each.deadline == hc::kNever ? -1 : each.deadline, each.duration, each.rest,
                        each.priority);
}

}  // namespace

nb::list rows(hc::Dispatcher::Actions actions) {
  nb::list result;
  for (const hc::Action& action : actions) result.append(row(action));
  return result;
}

hc::AppSpec app_spec(const std::vector<StageRow>& stages, hc::Time deadline, std::int64_t priority,
                     std::int64_t weight, std::int64_t capacity, int full, int admission,
                     bool drops_late, std::int32_t turn) {
  if (full < 0 || full > 2 || admission < 0 || admission > 2) {
    throw std::invalid_argument("full and admission are 0, 1 or 2");
  }
  hc::AppSpec spec;
  for (const auto& [after, alternatives] : stages) {
    hc::StageSpec stage;
    stage.after = after;
    for (const auto& [unit, duration] : alternatives) stage.alternatives.push_back({unit, duration});
    spec.stages.push_back(std::move(stage));
  }
  spec.deadline = deadline < 0 ? hc::kNever : deadline;
  spec.priority = priority;
  spec.weight = weight;
  spec.capacity = capacity;
  spec.full = static_cast<hc::Full>(full);
  spec.admission = static_cast<hc::Admission>(admission);
  spec.drops_late = drops_late;
  spec.turn = turn;
  return spec;
}

std::unique_ptr<hc::Policy> PythonChooser::policy() {
  return hc::make_chosen(
      [this](hc::Unit unit, hc::Time now, std::span<const hc::Candidate> candidates) {
        return choose(unit, now, candidates);
      });
}

std::size_t PythonChooser::choose(hc::Unit unit, hc::Time now,
                                  std::span<const hc::Candidate> candidates) {
  try {
    nb::list given;
    for (const hc::Candidate& each : candidates) given.append(row(each));
    const auto chosen = nb::cast<std::int64_t>(chooser_(unit, now, given));
    if (chosen >= 0 && chosen < std::ssize(candidates)) return static_cast<std::size_t>(chosen);
    note("it chose " + std::to_string(chosen) + " of " + std::to_string(candidates.size()));
  } catch (nb::python_error& error) {
    note(error.what());
  } catch (const nb::cast_error&) {
    note("it didn't give an integer");
  }
  return 0;
}

void PythonChooser::note(const std::string& what) {
  if (error_.empty()) error_ = what;
}

void bind_core(nb::module_& m) {
  // An application that ends while it keeps an exception keeps what its frames refer to: no leak.
  nb::set_leak_warnings(false);
  nb::class_<BoundDispatcher>(m, "Dispatcher")
      .def(nb::init<hc::Unit, const std::string&>(), "units"_a, "policy"_a)
      .def(nb::init<hc::Unit, std::vector<std::int32_t>>(), "units"_a, "policy"_a)
      .def(nb::init<hc::Unit, nb::callable>(), "units"_a, "policy"_a)
      .def("deploy", &deploy, "stages"_a, nb::kw_only(), "deadline_ns"_a = -1,
           "priority"_a = 0, "weight"_a = 1000, "capacity"_a = -1, "full"_a = 0, "admission"_a = 0,
           "drops_late"_a = false, "turn"_a = -1)
      .def(
          "retire",
          [](BoundDispatcher& bound, hc::AppId app) {
            bound.handle([&](hc::Dispatcher& core) { core.retire(app); });
          },
          "app"_a)
      .def(
          "set_duration",
          [](BoundDispatcher& bound, hc::AppId app, hc::StageId stage, hc::Unit unit, hc::Time duration) {
            bound.handle([&](hc::Dispatcher& core) { core.set_duration(app, stage, unit, duration); });
          },
          "app"_a, "stage"_a, "unit"_a, "duration_ns"_a)
      .def(
          "submit",
          [](BoundDispatcher& bound, hc::Time now, hc::AppId app, hc::Time deadline) {
            return bound.handle([&](hc::Dispatcher& core) {
              const hc::RequestId request = core.submit(now, app, deadline);
              return nb::make_tuple(request, rows(core.actions()));
            });
          },
          "now_ns"_a, "app"_a, "deadline_ns"_a = -1)
      .def(
          "stage_done",
          [](BoundDispatcher& bound, hc::Time now, hc::Unit unit, hc::RequestId request, hc::StageId stage) {
            return bound.handle([&](hc::Dispatcher& core) {
              return rows(core.stage_done(now, unit, request, stage));
            });
          },
          "now_ns"_a, "unit"_a, "request"_a, "stage"_a)
      .def(
          "stage_failed",
          [](BoundDispatcher& bound, hc::Time now, hc::Unit unit, hc::RequestId request, hc::StageId stage,
             bool retry) {
            return bound.handle([&](hc::Dispatcher& core) {
              return rows(core.stage_failed(now, unit, request, stage, retry));
            });
          },
          "now_ns"_a, "unit"_a, "request"_a, "stage"_a, "retry"_a = false)
      .def(
          "unit_down",
          [](BoundDispatcher& bound, hc::Time now, hc::Unit unit) {
            return bound.handle([&](hc::Dispatcher& core) { return rows(core.unit_down(now, unit)); });
          },
          "now_ns"_a, "unit"_a)
      .def(
          "unit_up",
          [](BoundDispatcher& bound, hc::Time now, hc::Unit unit) {
            return bound.handle([&](hc::Dispatcher& core) { return rows(core.unit_up(now, unit)); });
          },
          "now_ns"_a, "unit"_a)
      .def(
          "cancel",
          [](BoundDispatcher& bound, hc::Time now, hc::RequestId request) {
            return bound.handle([&](hc::Dispatcher& core) { return rows(core.cancel(now, request)); });
          },
          "now_ns"_a, "request"_a)
      .def(
          "timer",
          [](BoundDispatcher& bound, hc::Time now) {
            return bound.handle([&](hc::Dispatcher& core) { return rows(core.timer(now)); });
          },
          "now_ns"_a)
      .def("take_error", &BoundDispatcher::take_error)
      .def(
          "queued", [](const BoundDispatcher& bound, hc::Unit unit) { return bound.core().queued(unit); },
          "unit"_a)
      .def(
          "waiting", [](const BoundDispatcher& bound, hc::AppId app) { return bound.core().waiting(app); },
          "app"_a)
      .def_prop_ro("is_idle", [](const BoundDispatcher& bound) { return bound.core().is_idle(); })
      .def_prop_ro("live", [](const BoundDispatcher& bound) { return bound.core().live(); })
      .def_prop_ro("allocations", [](const BoundDispatcher& bound) { return bound.core().allocations(); });
  m.def("drive_dispatcher", &drive, "dispatcher"_a, nb::kw_only(), "apps"_a, "depth"_a, "starts"_a,
        "longest_ns"_a, "seed"_a = 0);
}
