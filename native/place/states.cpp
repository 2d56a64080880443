#include "place/states.hpp"

#include <algorithm>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

constexpr unsigned kHolders = 4;   // first bit
constexpr unsigned kBehind = 12;   // first bit
constexpr std::uint32_t kMany = 1;
constexpr std::uint32_t kEverywhere = 0xffU << kHolders;
constexpr std::uint32_t kNotCounted = 0xffffU << kBehind;   // of model inputs

Index maker(std::uint32_t field) { return static_cast<Index>(field & 0xfU) - 1; }
unsigned holders(std::uint32_t field) { return field >> kHolders & 0xffU; }

std::uint32_t behind(std::uint32_t field, Index unit) {
  return field >> (kBehind + 2 * static_cast<unsigned>(unit)) & 3U;
}

std::uint32_t one_behind(Index unit) {
  return std::uint32_t{1} << (kBehind + 2 * static_cast<unsigned>(unit));
}

}  // namespace

States::States(const Problem& problem, Detail detail)
    : problem_(problem),
      steps_(z(problem.groups())),
      free_(z(problem.edges()), 0),
      loose_(z(problem.edges()), 0) {
  release_long_lived(detail);
  fits_ = problem.units() <= kMostUnits && assign_slots();
  look_ahead();
}

// Sets `free_` or `loose_` where too many tensors are live, and `width_`.
void States::release_long_lived(Detail detail) {
  std::vector<Index> live;
  const auto last = [&](Index e) { return problem_.edge(e).consumers.back(); };
  const auto enter = [&](Index e) {
    if (problem_.edge(e).consumers.empty()) return;
    live.push_back(e);
    if (live.size() > detail.width) {
      const auto longest = std::max_element(live.begin(), live.end(), [&](Index a, Index b) {
        return last(a) - problem_.edge(a).producer < last(b) - problem_.edge(b).producer;
      });
      (detail.loose ? loose_ : free_)[z(*longest)] = 1;
      live.erase(longest);
    }
    width_ = std::max(width_, live.size());
  };
  for (Index e = 0; e < problem_.edges(); ++e) {
    if (problem_.edge(e).producer == kNone) enter(e);
  }
  for (Index group = 0; group < problem_.groups(); ++group) {
    for (const Index e : problem_.writes(group)) enter(e);
    std::erase_if(live, [&](Index e) { return last(e) <= group; });
  }
}

bool States::assign_slots() {
  std::vector<std::size_t> slot(z(problem_.edges()), 0);
  std::array<Index, kSlots> owner;
  owner.fill(kNone);
  start_.fill(0);
  const auto take = [&](Index e) {
    if (problem_.edge(e).consumers.empty() || free_[z(e)] != 0) return true;
    const auto free = std::find(owner.begin(), owner.end(), kNone);
    if (free == owner.end()) return false;
    *free = e;
    slot[z(e)] = static_cast<std::size_t>(free - owner.begin());
    return true;
  };
  const auto home = static_cast<unsigned>(problem_.home());
  for (Index e = 0; e < problem_.edges(); ++e) {
    if (problem_.edge(e).producer != kNone || problem_.edge(e).consumers.empty()) continue;
    if (free_[z(e)] != 0) continue;
    if (!take(e)) return false;
    start_[slot[z(e)]] = (home + 1) | 1U << (kHolders + home) | kNotCounted;
  }
  for (Index group = 0; group < problem_.groups(); ++group) {
    Step& step = steps_[z(group)];
    step.root = problem_.predecessors(group).size() == 0;
    for (const Index e : problem_.reads(group)) {
      if (free_[z(e)] == 0) step.reads.emplace_back(slot[z(e)], e);
    }
    for (const Index e : problem_.writes(group)) {
      if (!take(e)) return false;
      if (problem_.edge(e).consumers.empty() || free_[z(e)] != 0) continue;
      (loose_[z(e)] != 0 ? step.makes_loose : step.makes).push_back(slot[z(e)]);
    }
    for (const auto& [at, e] : step.reads) {
      const unsigned readers = later_readers(e, group);
      step.afterwards.emplace_back(at, readers);
      if (readers == 0) owner[at] = kNone;
    }
  }
  return true;
}

void States::look_ahead() {
  unsigned later = 0;
  bool roots = false;
  for (Index group = problem_.groups(); group-- > 0;) {
    Step& step = steps_[z(group)];
    step.later = later;
    step.more_roots = roots;
    for (const Index unit : problem_.units_of(group)) later |= 1U << static_cast<unsigned>(unit);
    roots = roots || problem_.predecessors(group).size() == 0;
  }
}

unsigned States::later_readers(Index e, Index group) const {
  unsigned readers = 0;
  for (const Index reader : problem_.edge(e).consumers) {
    if (reader <= group) continue;
    for (const Index unit : problem_.units_of(reader)) readers |= 1U << static_cast<unsigned>(unit);
  }
  return readers;
}

std::vector<Time> States::remaining(const std::vector<Time>& price) const {
  std::vector<Time> rest(steps_.size() + 1, 0);
  for (Index group = problem_.groups(); group-- > 0;) {
    Time least = kNever;
    for (const Index unit : problem_.units_of(group)) {
      least = std::min(least, price[z(unit)] * problem_.cost(group, unit));
    }
    rest[z(group)] = std::min(kNever, rest[z(group) + 1] + least);
  }
  return rest;
}

// Charges a stage where no path has entered the unit as often. Returns the stages begun behind the
// group's back, as a field.
std::uint32_t States::enter(const Step& step, Index unit, State& state, Time& time) const {
  std::array<std::uint32_t, kMostUnits> least;
  least.fill(kMany);
  bool fresh = false;
  const auto come_from = [&](std::uint32_t field, bool there) {
    for (Index w = 0; w < problem_.units(); ++w) {
      std::uint32_t count = behind(field, w);
      if (w == unit && !there && count < kMany) {
        if (count == 0) fresh = true;
        count = count == 0 ? 0 : count - 1;
      }
      least[z(w)] = std::min(least[z(w)], count);
    }
  };
  if (step.root) come_from(state[kSlots], false);
  for (const auto& [at, e] : step.reads) {
    if (problem_.edge(e).producer != kNone) come_from(state[at], maker(state[at]) == unit);
  }
  if (fresh) {
    time += problem_.dispatch(unit);
    for (std::size_t at = 0; at <= kSlots; ++at) {
      if (at < kSlots && state[at] == 0) continue;
      if (behind(state[at], unit) < kMany) state[at] += one_behind(unit);
    }
  }
  std::uint32_t field = 0;
  for (Index w = 0; w < problem_.units(); ++w) {
    if ((step.later >> static_cast<unsigned>(w) & 1U) != 0) field += least[z(w)] * one_behind(w);
  }
  return field;
}

Time States::run(Index group, Index unit, State& state) const {
  const Step& step = steps_[z(group)];
  const unsigned here = 1U << static_cast<unsigned>(unit);
  Time time = problem_.cost(group, unit);
  for (const auto& [at, e] : step.reads) {
    if ((holders(state[at]) & here) != 0) continue;
    time += problem_.transfer(e, maker(state[at]), unit);
    state[at] |= here << kHolders;
  }
  const std::uint32_t back = enter(step, unit, state, time);
  for (const auto& [at, readers] : step.afterwards) {
    state[at] = readers == 0 ? 0U : state[at] & ~((0xffU & ~readers) << kHolders);
  }
  const std::uint32_t made = static_cast<std::uint32_t>(unit + 1) | here << kHolders | back;
  for (const std::size_t at : step.makes) state[at] = made;
  for (const std::size_t at : step.makes_loose) state[at] = made | kEverywhere;
  if (!step.more_roots) state[kSlots] = 0;
  return time;
}

}  // namespace hetsched::place
