// The only file that knows Python: plain lists in, plain lists and tuples out.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "bind_core.hpp"
#include "bind_runtime.hpp"
#include "bind_sim.hpp"
#include "bind_trace.hpp"
#include "inside.hpp"
#include "place/balance.hpp"
#include "place/bound.hpp"
#include "place/chain.hpp"
#include "place/exact.hpp"
#include "place/frontier.hpp"
#include "place/pack.hpp"
#include "place/problem.hpp"
#include "place/schedule.hpp"
#include "place/search.hpp"
#include "place/series.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace hp = hetsched::place;

namespace {

using EdgeRow = std::tuple<hp::Index, std::vector<hp::Index>, std::vector<hp::Time>>;
using StageRow = std::pair<hp::Index, std::vector<hp::Index>>;

std::vector<hp::Edge> edges(const std::vector<EdgeRow>& rows) {
  std::vector<hp::Edge> result;
  for (const auto& [producer, consumers, transfer] : rows) {
    result.push_back({producer, consumers, transfer});
  }
  return result;
}

hp::Stages stages(const std::vector<StageRow>& rows) {
  hp::Stages result;
  for (const auto& [unit, groups] : rows) {
    result.unit.push_back(unit);
    result.groups.push_back(groups);
  }
  return result;
}

std::vector<StageRow> rows(const hp::Stages& stages) {
  std::vector<StageRow> result;
  for (std::size_t s = 0; s < stages.unit.size(); ++s) {
    result.emplace_back(stages.unit[s], stages.groups[s]);
  }
  return result;
}

std::tuple<std::vector<hp::Time>, std::vector<hp::Time>, hp::Time> timing(
    const hp::Problem& problem, const std::vector<StageRow>& stage_rows) {
  hp::Evaluator evaluator(problem);
  const hp::Timing times = evaluator.timing(stages(stage_rows));
  return {times.start, times.end, times.makespan};
}

std::tuple<std::vector<StageRow>, hp::Time, std::int64_t> anneal(
    const hp::Problem& problem, const std::vector<StageRow>& start, std::uint64_t seed,
    std::int64_t iterations, double hot, double cold, hp::Time target, double seconds) {
  hp::Evaluator evaluator(problem);
  const hp::Stages begin = stages(start);
  evaluator.timing(begin);  // throws where the start isn't valid
  const hp::SearchOptions options{seed, iterations, hot, cold, target, seconds};
  hp::SearchResult found;
  {
    nb::gil_scoped_release release;
    found = hp::anneal(problem, evaluator.sequence(begin), options);
  }
  return {rows(evaluator.stages(found.sequence)), found.makespan, found.iterations};
}

// Anneals towards the least busy busiest unit, or with prices towards the cheapest time of all units.
std::vector<StageRow> anneal_load(const hp::Problem& problem, const std::vector<StageRow>& start,
                                  std::vector<hp::Time> price, std::uint64_t seed,
                                  std::int64_t iterations, bool smooth, double hot, double seconds) {
  if (!price.empty() && std::ssize(price) != problem.units()) {
    throw std::invalid_argument("one price per unit is needed");
  }
  hp::Evaluator evaluator(problem);
  const hp::Stages begin = stages(start);
  evaluator.timing(begin);  // throws where the start isn't valid
  hp::SearchOptions options;
  options.seed = seed;
  options.iterations = iterations;
  options.hot = hot;
  options.seconds = seconds;
  options.goal.kind = hp::Goal::Kind::kTotal;
  if (price.empty()) options.goal.kind = smooth ? hp::Goal::Kind::kEven : hp::Goal::Kind::kBusiest;
  options.goal.price = std::move(price);
  hp::SearchResult found;
  {
    nb::gil_scoped_release release;
    found = hp::anneal(problem, evaluator.sequence(begin), options);
  }
  return rows(evaluator.stages(found.sequence));
}

std::pair<hp::Time, std::vector<hp::Index>> frontier(const hp::Problem& problem,
                                                    const std::vector<hp::Time>& price,
                                                    hp::Time upper, std::int64_t states,
                                                    double seconds) {
  if (std::ssize(price) != problem.units() || states < 1) {
    throw std::invalid_argument("one price per unit and one state at least are needed");
  }
  nb::gil_scoped_release release;
  hp::FrontierResult found = hp::frontier(problem, price, {upper, states, seconds});
  return {found.bound, std::move(found.unit)};
}

// Its searches make its graph smaller for good: one at a time.
struct BoundBalance {
  hp::Balance& core() {
    const Inside inside(is_searching, kName);
    return balance;
  }

  static constexpr const char* kName = "the graph of states";
  hp::Balance balance;
  bool is_searching = false;
};

void make_balance(BoundBalance* self, const hp::Problem& problem, std::int64_t states, bool whole,
                  hp::Time upper, double seconds) {
  if (states < 1 || upper < 1) throw std::invalid_argument("states and upper from 1");
  nb::gil_scoped_release release;
  new (self) BoundBalance{hp::Balance(problem, {states, whole, upper, seconds})};
}

std::pair<hp::Time, std::vector<std::vector<hp::Index>>> search_balance(
    BoundBalance& self, std::int64_t labels, std::int64_t grain, hp::Time upper, double seconds) {
  if (labels < 1 || labels > 1 << 27 || grain < 1 || upper < 1) {
    throw std::invalid_argument("labels from 1 to 2^27, grain and upper from 1");
  }
  const Inside inside(self.is_searching, BoundBalance::kName);
  nb::gil_scoped_release release;
  hp::LabelResult found = self.balance.search({labels, grain, upper, seconds});
  return {found.bound, std::move(found.units)};
}

hp::Time pack_bound(const hp::Problem& problem, int rounds, hp::Index resolution, int width,
                    hp::Time upper, double gap, double seconds) {
  if (rounds < 0 || resolution < 1 || width < 0 || width > 12) {
    throw std::invalid_argument("rounds from 0, resolution from 1, width from 0 to 12");
  }
  nb::gil_scoped_release release;
  return hp::pack_bound(problem, {rounds, resolution, width, upper, gap, seconds});
}

std::tuple<std::vector<StageRow>, hp::Time, hp::Time, std::int64_t> solve_exact(
    const hp::Problem& problem, hp::Time known, std::int64_t max_nodes, double seconds) {
  if (!hp::fits_exact(problem)) throw std::invalid_argument("too large: 64 groups, 8 units at most");
  hp::ExactResult found;
  {
    nb::gil_scoped_release release;
    found = hp::solve_exact(problem, known, {max_nodes, seconds});
  }
  return {rows(found.stages), found.value, found.bound, found.nodes};
}

using LinkRow = std::tuple<std::tuple<hp::Index, hp::Index, hp::Index, hp::Index>,
                           std::vector<hp::Time>, hp::Time>;

std::tuple<std::vector<StageRow>, hp::Time, hp::Time, std::vector<LinkRow>> solve_chain(
    const hp::Problem& problem, std::uint64_t seed, double gap, std::int64_t max_nodes,
    std::int64_t iterations, hp::Time known, double seconds) {
  hp::ChainResult found;
  {
    nb::gil_scoped_release release;
    found = hp::solve_chain(problem, {seed, gap, max_nodes, iterations, known, seconds});
  }
  std::vector<LinkRow> links;
  for (hp::Link& link : found.links) {
    for (hp::Time& each : link.lower) each = each >= hp::kNever ? -1 : each;
    links.emplace_back(
        std::tuple{link.block.source, link.block.sink, link.block.first, link.block.last},
        std::move(link.lower), link.open);
  }
  return {rows(found.stages), found.value, found.bound, std::move(links)};
}

#ifdef HETSCHED_RACY
// A race, only in the thread sanitizer's build: make sanitize-threads wants to hear of it.
volatile std::int64_t raced = 0;

void race() {
  const nb::gil_scoped_release release;
  for (int i = 0; i < 5'000'000; ++i) raced = raced + 1;  // long enough to overlap
}
#endif

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "hetsched's native core";
#ifdef HETSCHED_RACY
  m.def("race", &race);
#endif
  bind_core(m);
  bind_runtime(m);
  bind_glance(m);
  bind_sim(m);
  bind_trace(m);
  nb::class_<hp::Problem>(m, "Problem")
      .def(
          "__init__",
          [](hp::Problem* self, hp::Index units, std::vector<hp::Time> cost,
             const std::vector<EdgeRow>& edge_rows, hp::Index home, std::vector<hp::Time> dispatch,
             std::vector<std::int64_t> max_stages, std::vector<std::int64_t> weights,
             std::vector<std::int64_t> memory) {
            new (self) hp::Problem(units, std::move(cost), edges(edge_rows), home, std::move(dispatch),
                                   std::move(max_stages), std::move(weights), std::move(memory));
          },
          nb::kw_only(), "units"_a, "cost"_a, "edges"_a, "home"_a, "dispatch"_a, "max_stages"_a,
          "weights"_a, "memory"_a)
      .def_prop_ro("groups", &hp::Problem::groups)
      .def_prop_ro("units", &hp::Problem::units);
  m.def("path_bound", &hp::path_bound, "problem"_a);
  m.def("load_bound", [](const hp::Problem& problem) { return hp::load_bound(problem); }, "problem"_a);
  m.def("solve_exact", &solve_exact, "problem"_a, nb::kw_only(), "known"_a, "max_nodes"_a,
        "seconds"_a = 1e9);
  m.def("solve_chain", &solve_chain, "problem"_a, nb::kw_only(), "seed"_a, "gap"_a, "max_nodes"_a,
        "iterations"_a, "known"_a = hp::kNever, "seconds"_a = 1e9);
  m.def("series_points", &hp::series_points, "problem"_a);
  m.def("clean_points", &hp::clean_points, "problem"_a);
  m.def("timing", &timing, "problem"_a, "stages"_a);
  m.def("anneal", &anneal, "problem"_a, "start"_a, nb::kw_only(), "seed"_a, "iterations"_a,
        "hot"_a = 0.02, "cold"_a = 1e-5, "target"_a = 0, "seconds"_a = 1e9);
  m.def("anneal_load", &anneal_load, "problem"_a, "start"_a, nb::kw_only(), "price"_a, "seed"_a,
        "iterations"_a, "smooth"_a = false, "hot"_a = 0.02, "seconds"_a = 1e9);
  m.def("pack_bound", &pack_bound, "problem"_a, nb::kw_only(), "rounds"_a, "resolution"_a,
        "width"_a, "upper"_a, "gap"_a, "seconds"_a = 1e9);
  m.def("frontier", &frontier, "problem"_a, nb::kw_only(), "price"_a, "upper"_a, "states"_a,
        "seconds"_a = 1e9);
  nb::class_<BoundBalance>(m, "Balance")
      .def("__init__", &make_balance, "problem"_a, nb::kw_only(), "states"_a, "whole"_a, "upper"_a,
           "seconds"_a = 1e9)
      .def_prop_ro("bound", [](BoundBalance& self) { return self.core().bound(); })
      .def_prop_ro("complete", [](BoundBalance& self) { return self.core().complete(); })
      .def_prop_ro("fits", [](BoundBalance& self) { return self.core().fits(); })
      .def("search", &search_balance, nb::kw_only(), "labels"_a, "grain"_a, "upper"_a,
           "seconds"_a = 1e9);
}
