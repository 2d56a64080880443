#include "place/schedule.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Evaluator::Evaluator(const Problem& problem)
    : problem_(problem),
      stage_of_(z(problem.groups())),
      stage_unit_(z(problem.groups())),
      open_(z(problem.units())),
      slot_(z(problem.groups())),
      slot_start_(z(problem.groups()) + 1),
      stage_size_(z(problem.groups())),
      made_on_(z(problem.edges())),
      made_at_(z(problem.edges())),
      held_(z(problem.edges())),
      free_(z(problem.units())) {}

void Evaluator::form(const Sequence& sequence) {
  std::fill(open_.begin(), open_.end(), kNone);
  count_ = 0;
  for (const Index group : sequence.order) {
    const Index unit = sequence.unit[z(group)];
    const Index open = open_[z(unit)];
    bool joins = open != kNone && sequence.breaks[z(group)] == 0;
    if (joins) {
      for (const Index before : problem_.predecessors(group)) {
        if (stage_of_[z(before)] > open) {
          joins = false;
          break;
        }
      }
    }
    if (joins) {
      stage_of_[z(group)] = open;
      ++stage_size_[z(open)];
      continue;
    }
    open_[z(unit)] = count_;
    stage_of_[z(group)] = count_;
    stage_unit_[z(count_)] = unit;
    stage_size_[z(count_)] = 1;
    ++count_;
  }
}

bool Evaluator::within_limits(const Sequence& sequence) const {
  for (Index unit = 0; unit < problem_.units(); ++unit) {
    if (problem_.max_stages(unit) >= 0) {
      const auto used = std::count(stage_unit_.begin(), stage_unit_.begin() + count_, unit);
      if (used > problem_.max_stages(unit)) return false;
    }
    if (problem_.memory(unit) < 0) continue;
    std::int64_t total = 0;
    for (Index group = 0; group < problem_.groups(); ++group) {
      if (sequence.unit[z(group)] == unit) total += problem_.weights(group, unit);
    }
    if (total > problem_.memory(unit)) return false;
  }
  return true;
}

Time Evaluator::makespan(const Sequence& sequence) {
  form(sequence);
  if (problem_.has_limits() && !within_limits(sequence)) return kNever;
  // Groups by stage (counting sort); inside a stage any order gives the same duration.
  Index total = 0;
  for (Index s = 0; s < count_; ++s) {
    slot_start_[z(s)] = total;
    total += stage_size_[z(s)];
  }
  for (const Index group : sequence.order) {
    slot_[z(slot_start_[z(stage_of_[z(group)])]++)] = group;
  }
  std::fill(free_.begin(), free_.end(), Time{0});
  for (Index e = 0; e < problem_.edges(); ++e) {
    if (problem_.edge(e).producer != kNone) continue;
    made_at_[z(e)] = 0;
    made_on_[z(e)] = problem_.home();
    held_[z(e)] = std::uint64_t{1} << problem_.home();
  }
  Time makespan = 0;
  Index next = 0;
  for (Index s = 0; s < count_; ++s) {
    const Index unit = stage_unit_[z(s)];
    const std::uint64_t here = std::uint64_t{1} << unit;
    const Index last = slot_start_[z(s)];
    Time ready = free_[z(unit)];
    Time duration = problem_.dispatch(unit);
    for (Index i = next; i < last; ++i) {
      const Index group = slot_[z(i)];
      duration += problem_.cost(group, unit);
      for (const Index e : problem_.reads(group)) {
        const Index producer = problem_.edge(e).producer;
        if (producer != kNone && stage_of_[z(producer)] == s) continue;
        ready = std::max(ready, made_at_[z(e)]);
        if ((held_[z(e)] & here) != 0) continue;
        held_[z(e)] |= here;
        duration += problem_.transfer(e, made_on_[z(e)], unit);
      }
    }
    const Time end = ready + duration;
    for (Index i = next; i < last; ++i) {
      for (const Index e : problem_.writes(slot_[z(i)])) {
        made_at_[z(e)] = end;
        made_on_[z(e)] = unit;
        held_[z(e)] = here;
      }
    }
    next = last;
    free_[z(unit)] = end;
    makespan = std::max(makespan, end);
  }
  return makespan;
}

Stages Evaluator::stages(const Sequence& sequence) {
  form(sequence);
  Stages result;
  result.unit.assign(stage_unit_.begin(), stage_unit_.begin() + count_);
  result.groups.resize(z(count_));
  for (Index group = 0; group < problem_.groups(); ++group) {
    result.groups[z(stage_of_[z(group)])].push_back(group);
  }
  return result;
}

Timing Evaluator::timing(const Stages& stages) {
  Timing result;
  std::fill(stage_of_.begin(), stage_of_.end(), kNone);
  std::fill(free_.begin(), free_.end(), Time{0});
  for (Index e = 0; e < problem_.edges(); ++e) {
    const bool input = problem_.edge(e).producer == kNone;
    made_at_[z(e)] = 0;
    made_on_[z(e)] = input ? problem_.home() : kNone;
    held_[z(e)] = input ? std::uint64_t{1} << problem_.home() : 0;
  }
  Index placed = 0;
  for (std::size_t s = 0; s < stages.unit.size(); ++s) {
    const Index unit = stages.unit[s];
    if (unit < 0 || unit >= problem_.units()) {
      throw std::invalid_argument("stage " + std::to_string(s) + " is on no unit");
    }
    for (const Index group : stages.groups[s]) {
      if (group < 0 || group >= problem_.groups() || stage_of_[z(group)] != kNone) {
        throw std::invalid_argument("group " + std::to_string(group) + " is unknown or placed twice");
      }
      if (!problem_.allowed(group, unit)) {
        throw std::invalid_argument("group " + std::to_string(group) + " can't run on unit " +
                                    std::to_string(unit));
      }
      stage_of_[z(group)] = static_cast<Index>(s);
      ++placed;
    }
    const std::uint64_t here = std::uint64_t{1} << unit;
    Time ready = free_[z(unit)];
    Time duration = problem_.dispatch(unit);
    for (const Index group : stages.groups[s]) {
      duration += problem_.cost(group, unit);
      for (const Index e : problem_.reads(group)) {
        const Index producer = problem_.edge(e).producer;
        if (producer != kNone && stage_of_[z(producer)] == static_cast<Index>(s)) continue;
        if (made_on_[z(e)] == kNone) {
          throw std::invalid_argument("group " + std::to_string(group) +
                                      " comes before a group that it reads from");
        }
        ready = std::max(ready, made_at_[z(e)]);
        if ((held_[z(e)] & here) != 0) continue;
        held_[z(e)] |= here;
        duration += problem_.transfer(e, made_on_[z(e)], unit);
      }
    }
    const Time end = ready + duration;
    for (const Index group : stages.groups[s]) {
      for (const Index e : problem_.writes(group)) {
        made_at_[z(e)] = end;
        made_on_[z(e)] = unit;
        held_[z(e)] = here;
      }
    }
    free_[z(unit)] = end;
    result.start.push_back(ready);
    result.end.push_back(end);
    result.makespan = std::max(result.makespan, end);
  }
  if (placed != problem_.groups()) throw std::invalid_argument("some group isn't in any stage");
  return result;
}

Sequence Evaluator::sequence(const Stages& stages) const {
  Sequence result;
  result.order.reserve(z(problem_.groups()));
  result.unit.assign(z(problem_.groups()), 0);
  result.breaks.assign(z(problem_.groups()), 0);
  for (std::size_t s = 0; s < stages.unit.size(); ++s) {
    bool first = true;
    for (const Index group : stages.groups[s]) {
      result.order.push_back(group);
      result.unit[z(group)] = stages.unit[s];
      result.breaks[z(group)] = first ? 1 : 0;
      first = false;
    }
  }
  return result;
}

}  // namespace hetsched::place
