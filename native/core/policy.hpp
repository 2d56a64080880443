// Which of a unit's ready stages comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace hetsched::core {

// A ready stage on a unit that can run it.
struct Candidate {
  RequestId request;
  AppId app;
  std::int32_t turn;  // what a static order calls the app
  StageId stage;
  Unit unit;
  Time arrival;
  Time deadline;  // absolute; kNever for none
  Time duration;  // expected, on this unit
  Time rest;      // from its start to the request's end, at best
  Time rank;      // the same with mean times
  std::int64_t priority;
  std::int64_t weight;  // thousandths
};

// Asked at most once per candidate for `key`, when it becomes ready; smaller keys first, then the
// older request, then the lower stage. A policy whose order changes with time says `is_asked`, and
// is asked for each decision instead.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual bool is_asked() const { return false; }
  virtual bool wants_oldest_first() const { return false; }
  virtual std::int64_t key(const Candidate& candidate) = 0;
  virtual void started(const Candidate& candidate, std::int64_t key) = 0;
  // Index of one of the candidates, of which there is at least one.
  virtual std::size_t choose(Unit unit, Time now, std::span<const Candidate> candidates) = 0;
  virtual void app_added(AppId app) = 0;
};

using Chooser = std::function<std::size_t(Unit, Time, std::span<const Candidate>)>;

// fifo, priority, edf, least-slack, weighted-fair, shortest-expected-latency, heft.
// Throws std::invalid_argument naming those when it is none of them.
std::unique_ptr<Policy> make_policy(const std::string& name, Unit units);

// Takes turns: after a stage of turn order[i] comes one of order[i + 1], or of the next in the cycle
// that has one ready. Apps that aren't in the order run when no other can.
std::unique_ptr<Policy> make_static(std::vector<std::int32_t> order, Unit units);

// Asks for every decision.
std::unique_ptr<Policy> make_chosen(Chooser chooser);

}  // namespace hetsched::core
