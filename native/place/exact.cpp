#include "place/exact.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <queue>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "place/bound.hpp"
#include "place/work.hpp"

namespace hetsched::place {

namespace {

using Mask = std::uint64_t;

std::size_t z(Index i) { return static_cast<std::size_t>(i); }
Mask bit(Index i) { return Mask{1} << i; }

// Most of the stages that are tried don't become nodes.
constexpr std::int64_t kDraftsPerNode = 50;

// What is true after some stages have been chosen.
struct State {
  Mask done = 0;
  std::vector<Time> free;           // per unit: earliest start of its next stage
  std::vector<Time> end;            // per group: when its outputs exist, if done
  std::vector<std::uint8_t> unit;   // per group: where it ran, if done
  std::vector<std::uint8_t> held;   // per edge: units that hold it
  Time makespan = 0;
};

struct Node {
  State state;
  Time lower;
  std::int64_t parent;
  Index stage_unit;
  Mask stage;
  bool dead = false;
};

class Search {
 public:
  Search(const Problem& problem, Time known, const ExactOptions& options)
      : problem_(problem), best_(known), options_(options), work_(problem) {
    prepare();
  }

  ExactResult run();

 private:
  struct Draft {  // a stage being chosen
    Index unit;
    Mask groups;
    Time ready;
    Time duration;
    Time after;  // least time from the stage's end to the makespan
  };

  void prepare();
  bool exhausted();
  Time lower_bound(const State& state);
  Time earliest_tail(const State& state, Index group) const;
  void expand(std::int64_t node);
  void extend(std::int64_t node, Draft draft, std::size_t next, std::vector<std::uint8_t>& copied);
  bool join(const State& state, Draft& draft, Index group, std::vector<std::uint8_t>& copied,
            std::vector<Index>& paid) const;
  void close(std::int64_t node, const Draft& draft, const std::vector<std::uint8_t>& copied);
  void admit(const Node& node);
  std::string key(const State& state) const;
  bool no_later(const State& a, const State& b) const;
  Stages trace(std::int64_t node, Index unit, Mask groups) const;

  const Problem& problem_;
  Time best_;
  ExactOptions options_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::int64_t drafts_ = 0;
  bool late_ = false;
  Mask all_ = 0;
  std::vector<Mask> before_;              // per group: its predecessors
  std::vector<Mask> after_;               // per group: its successors
  std::vector<Mask> readers_;             // per edge: its consumers
  std::vector<Time> tail_;                // [group * units + unit]: least time after its end
  WorkBound work_;
  std::vector<Time> start_;               // per unit: earliest start of a stage
  State child_;                           // the one that is being made
  std::vector<std::vector<Index>> candidates_;  // per unit: groups that it can run
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::vector<std::int64_t>> seen_;
  using Entry = std::tuple<Time, int, std::int64_t>;  // lower bound, groups left, node
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open_;
  Stages found_;
};

bool Search::exhausted() {
  if ((drafts_ & 1023) == 0) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun_;
    late_ = late_ || spent.count() > options_.seconds;
  }
  return late_ || std::ssize(nodes_) >= options_.max_nodes ||
         drafts_ >= kDraftsPerNode * options_.max_nodes;
}

void Search::prepare() {
  const Index n = problem_.groups();
  all_ = n == 64 ? ~Mask{0} : bit(n) - 1;
  before_.assign(z(n), 0);
  after_.assign(z(n), 0);
  readers_.assign(z(problem_.edges()), 0);
  candidates_.resize(z(problem_.units()));
  for (Index g = 0; g < n; ++g) {
    for (const Index other : problem_.predecessors(g)) before_[z(g)] |= bit(other);
    for (const Index other : problem_.successors(g)) after_[z(g)] |= bit(other);
    for (const Index unit : problem_.units_of(g)) candidates_[z(unit)].push_back(g);
  }
  for (Index e = 0; e < problem_.edges(); ++e) {
    for (const Index reader : problem_.edge(e).consumers) readers_[z(e)] |= bit(reader);
  }
  tail_ = least_tails(problem_);
}

// Least makespan if `group`, not done, whose done inputs are in `state`, runs in a new stage.
Time Search::earliest_tail(const State& state, Index group) const {
  Time least = kNever;
  for (const Index unit : problem_.units_of(group)) {
    const Time work = problem_.dispatch(unit) + problem_.cost(group, unit) +
                      tail_[z(group) * z(problem_.units()) + z(unit)];
    Time copies = 0;
    Time start = 0;
    for (const Index e : problem_.reads(group)) {
      const Index producer = problem_.edge(e).producer;
      if (producer != kNone && (state.done & bit(producer)) == 0) continue;
      const Time made = producer == kNone ? 0 : state.end[z(producer)];
      Time copy = 0;
      if ((state.held[z(e)] >> unit & 1) == 0) {
        const Index source = producer == kNone ? problem_.home() : state.unit[z(producer)];
        copy = problem_.transfer(e, source, unit);
      }
      copies += copy;
      start = std::max(start, made + copy);
    }
    start = std::max(start, state.free[z(unit)] + copies);
    least = std::min(least, start + work);
  }
  return least;
}

Time Search::lower_bound(const State& state) {
  Time lower = state.makespan;
  Time first = kNever;  // no stage starts before
  for (Mask left = all_ & ~state.done; left != 0; left &= left - 1) {
    const Index group = std::countr_zero(left);
    const Mask before = before_[z(group)];
    // Groups none of whose inputs exist are bounded by the tails of those before them.
    if (before != 0 && (before & state.done) == 0) continue;
    lower = std::max(lower, earliest_tail(state, group));
    if (lower >= best_) return lower;
    if ((before & ~state.done) != 0) continue;
    Time ready = 0;
    for (const Index producer : problem_.predecessors(group)) {
      ready = std::max(ready, state.end[z(producer)]);
    }
    first = std::min(first, ready);
  }
  start_ = state.free;
  for (Time& each : start_) each = std::max(each, first);
  return std::max(lower, work_.at_least(state.done, start_));
}

// Adds a group to a draft; false when nothing better than the best can come of it.
bool Search::join(const State& state, Draft& draft, Index group, std::vector<std::uint8_t>& copied,
                  std::vector<Index>& paid) const {
  draft.groups |= bit(group);
  draft.duration += problem_.cost(group, draft.unit);
  for (const Index e : problem_.reads(group)) {
    const Index producer = problem_.edge(e).producer;
    if (producer != kNone && (draft.groups & bit(producer)) != 0) continue;
    if (producer != kNone) draft.ready = std::max(draft.ready, state.end[z(producer)]);
    if ((state.held[z(e)] >> draft.unit & 1) != 0 || copied[z(e)] != 0) continue;
    copied[z(e)] = 1;
    paid.push_back(e);
    const Index source = producer == kNone ? problem_.home() : state.unit[z(producer)];
    draft.duration += problem_.transfer(e, source, draft.unit);
  }
  draft.after = std::max(draft.after, tail_[z(group) * z(problem_.units()) + z(draft.unit)]);
  const Time tail = tail_[z(group) * z(problem_.units()) + z(draft.unit)];
  return draft.ready + draft.duration + tail < best_;
}

void Search::extend(std::int64_t node, Draft draft, std::size_t next,
                    std::vector<std::uint8_t>& copied) {
  const auto& candidates = candidates_[z(draft.unit)];
  for (std::size_t i = next; i < candidates.size(); ++i) {
    if (exhausted()) return;
    const Index group = candidates[i];
    const Mask done = nodes_[static_cast<std::size_t>(node)].state.done;
    if ((done & bit(group)) != 0) continue;
    if ((before_[z(group)] & ~done & ~draft.groups) != 0) continue;
    Draft longer = draft;
    std::vector<Index> paid;
    ++drafts_;
    if (join(nodes_[static_cast<std::size_t>(node)].state, longer, group, copied, paid)) {
      close(node, longer, copied);
      extend(node, longer, i + 1, copied);
    }
    for (const Index e : paid) copied[z(e)] = 0;
  }
}

// Makes the node in which the draft is a stage.
void Search::close(std::int64_t node, const Draft& draft, const std::vector<std::uint8_t>& copied) {
  const Time end = draft.ready + draft.duration;
  const Node& parent = nodes_[static_cast<std::size_t>(node)];
  State& state = child_;
  state = parent.state;
  state.done |= draft.groups;
  state.makespan = std::max(state.makespan, end);
  if (state.done == all_) {
    if (state.makespan >= best_) return;
    best_ = state.makespan;
    found_ = trace(node, draft.unit, draft.groups);
    return;
  }
  // No later stage starts before this one did.
  for (Time& each : state.free) each = std::max(each, draft.ready);
  state.free[z(draft.unit)] = end;
  for (std::size_t e = 0; e < copied.size(); ++e) {
    if (copied[e] != 0) state.held[e] = static_cast<std::uint8_t>(state.held[e] | 1U << draft.unit);
  }
  for (Mask left = state.done; left != 0; left &= left - 1) {
    const Index group = std::countr_zero(left);
    if ((draft.groups & bit(group)) != 0) {
      state.end[z(group)] = end;
      state.unit[z(group)] = static_cast<std::uint8_t>(draft.unit);
      for (const Index e : problem_.writes(group)) {
        state.held[z(e)] = static_cast<std::uint8_t>(1U << draft.unit);
      }
    }
    state.end[z(group)] = std::max(state.end[z(group)], draft.ready);
  }
  const Time lower = std::max(parent.lower, lower_bound(state));
  if (lower < best_) admit({state, lower, node, draft.unit, draft.groups});
}

// What must be equal before two nodes can be compared.
std::string Search::key(const State& state) const {
  std::string text(reinterpret_cast<const char*>(&state.done), sizeof state.done);
  for (Index e = 0; e < problem_.edges(); ++e) {
    const Index producer = problem_.edge(e).producer;
    if (producer != kNone && (state.done & bit(producer)) == 0) continue;
    if ((readers_[z(e)] & ~state.done) == 0) continue;
    text.push_back(static_cast<char>(state.held[z(e)]));
    text.push_back(producer == kNone ? '\0' : static_cast<char>(state.unit[z(producer)]));
  }
  return text;
}

// Whether everything in `a` is there no later than in `b`; their keys are equal.
bool Search::no_later(const State& a, const State& b) const {
  if (a.makespan > b.makespan) return false;
  for (std::size_t u = 0; u < a.free.size(); ++u) {
    if (a.free[u] > b.free[u]) return false;
  }
  for (Mask left = a.done; left != 0; left &= left - 1) {
    const auto group = z(std::countr_zero(left));
    if ((after_[group] & ~a.done) != 0 && a.end[group] > b.end[group]) return false;
  }
  return true;
}

void Search::admit(const Node& node) {
  auto& rivals = seen_[key(node.state)];
  for (const std::int64_t rival : rivals) {
    if (no_later(nodes_[static_cast<std::size_t>(rival)].state, node.state)) return;
  }
  std::erase_if(rivals, [&](std::int64_t rival) {
    Node& other = nodes_[static_cast<std::size_t>(rival)];
    if (!no_later(node.state, other.state)) return false;
    other.dead = true;
    return true;
  });
  const auto index = static_cast<std::int64_t>(nodes_.size());
  rivals.push_back(index);
  open_.emplace(node.lower, problem_.groups() - std::popcount(node.state.done), index);
  nodes_.push_back(node);
}

void Search::expand(std::int64_t node) {
  std::vector<std::uint8_t> copied(z(problem_.edges()), 0);
  for (Index unit = 0; unit < problem_.units(); ++unit) {
    const Time free = nodes_[static_cast<std::size_t>(node)].state.free[z(unit)];
    extend(node, Draft{unit, 0, free, problem_.dispatch(unit), 0}, 0, copied);
  }
}

Stages Search::trace(std::int64_t node, Index unit, Mask groups) const {
  Stages stages;
  const auto add = [&](Index on, Mask set) {
    stages.unit.push_back(on);
    auto& row = stages.groups.emplace_back();
    for (; set != 0; set &= set - 1) row.push_back(std::countr_zero(set));
  };
  add(unit, groups);
  for (; nodes_[static_cast<std::size_t>(node)].parent >= 0;
       node = nodes_[static_cast<std::size_t>(node)].parent) {
    add(nodes_[static_cast<std::size_t>(node)].stage_unit,
        nodes_[static_cast<std::size_t>(node)].stage);
  }
  std::reverse(stages.unit.begin(), stages.unit.end());
  std::reverse(stages.groups.begin(), stages.groups.end());
  return stages;
}

ExactResult Search::run() {
  Node root;
  root.parent = -1;
  root.stage_unit = kNone;
  root.stage = 0;
  root.state.free.assign(z(problem_.units()), 0);
  root.state.end.assign(z(problem_.groups()), 0);
  root.state.unit.assign(z(problem_.groups()), 0);
  root.state.held.assign(z(problem_.edges()), static_cast<std::uint8_t>(1U << problem_.home()));
  root.lower = std::max(path_bound(problem_), lower_bound(root.state));
  Time bound = root.lower;
  if (root.lower < best_) admit(root);
  while (!open_.empty()) {
    const auto [lower, left, node] = open_.top();
    if (lower >= best_) break;
    bound = std::max(bound, lower);
    open_.pop();
    if (!nodes_[static_cast<std::size_t>(node)].dead) expand(node);
    if (exhausted()) {
      return {std::move(found_), best_, std::min(bound, best_), std::ssize(nodes_)};
    }
  }
  return {std::move(found_), best_, best_, std::ssize(nodes_)};
}

}  // namespace

bool fits_exact(const Problem& problem) { return problem.groups() <= 64 && problem.units() <= 8; }

ExactResult solve_exact(const Problem& problem, Time known, const ExactOptions& options) {
  if (problem.groups() == 0) return {{}, 0, 0, 0};
  return Search(problem, known, options).run();
}

}  // namespace hetsched::place
