#include "place/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "place/random.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

// A sequence that can be changed and put back.
class Walker {
 public:
  Walker(const Problem& problem, Sequence start, std::uint64_t seed)
      : problem_(problem), now_(std::move(start)), random_(seed), at_(now_.order.size()) {
    for (std::size_t i = 0; i < now_.order.size(); ++i) {
      at_[z(now_.order[i])] = static_cast<Index>(i);
    }
    seen_.assign(now_.order.size(), 0);
  }

  const Sequence& now() const { return now_; }
  double chance() { return random_.unit(); }

  // One or two random changes.
  void change() {
    undo_.clear();
    change_once();
    while (random_.unit() < 0.35) change_once();
  }

  void put_back() {
    for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
      if (step->moved) {
        rotate(step->to, step->from);
      } else {
        now_.unit[z(step->group)] = step->unit;
        now_.breaks[z(step->group)] = step->cut;
      }
    }
    undo_.clear();
  }

 private:
  struct Step {
    bool moved;  // in the order, else unit and break of a group
    Index from, to;
    Index group, unit;
    char cut;
  };

  void change_once() {
    const Index group = random_.below(problem_.groups());
    const double kind = random_.unit();
    if (kind < 0.20) return assign(group, any_unit(group));
    if (kind < 0.45) return adopt(group);
    if (kind < 0.70) return move_region(group);
    if (kind < 0.85) return shift(group);
    if (kind < 0.93) return set(group, now_.unit[z(group)], now_.breaks[z(group)] == 0);
    move_region(group);
    shift(group);
  }

  void set(Index group, Index unit, bool cut) {
    undo_.push_back({false, 0, 0, group, now_.unit[z(group)], now_.breaks[z(group)]});
    now_.unit[z(group)] = unit;
    now_.breaks[z(group)] = cut ? 1 : 0;
  }

  void assign(Index group, Index unit) {
    if (unit != now_.unit[z(group)]) set(group, unit, random_.unit() < 0.1);
  }

  Index any_unit(Index group) {
    const auto units = problem_.units_of(group);
    return units[z(random_.below(static_cast<std::int64_t>(units.size())))];
  }

  // Takes the unit of a neighbour.
  void adopt(Index group) {
    const auto before = problem_.predecessors(group);
    const auto after = problem_.successors(group);
    const auto all = before.size() + after.size();
    if (all == 0) return;
    const auto pick = z(random_.below(static_cast<std::int64_t>(all)));
    const Index other = pick < before.size() ? before[pick] : after[pick - before.size()];
    const Index unit = now_.unit[z(other)];
    if (problem_.allowed(group, unit)) assign(group, unit);
  }

  // Moves a connected set of groups of one unit to another unit.
  void move_region(Index group) {
    const Index from = now_.unit[z(group)];
    const Index to = any_unit(group);
    if (to == from) return;
    const Index most = 2 + random_.below(1 + std::min<Index>(30, problem_.groups() / 2));
    region_.assign(1, group);
    seen_[z(group)] = 1;
    for (std::size_t i = 0; i < region_.size() && std::ssize(region_) < most; ++i) {
      grow(problem_.predecessors(region_[i]), from, to, most);
      grow(problem_.successors(region_[i]), from, to, most);
    }
    for (const Index each : region_) {
      seen_[z(each)] = 0;
      set(each, to, false);
    }
  }

  void grow(Rows::Row neighbours, Index from, Index to, Index most) {
    for (const Index each : neighbours) {
      if (std::ssize(region_) >= most) return;
      if (seen_[z(each)] != 0 || now_.unit[z(each)] != from || !problem_.allowed(each, to)) continue;
      if (random_.unit() < 0.1) continue;
      seen_[z(each)] = 1;
      region_.push_back(each);
    }
  }

  // Moves a group inside the order, as far as its neighbours allow.
  void shift(Index group) {
    Index low = 0;
    Index high = problem_.groups() - 1;
    for (const Index before : problem_.predecessors(group)) low = std::max(low, at_[z(before)] + 1);
    for (const Index after : problem_.successors(group)) high = std::min(high, at_[z(after)] - 1);
    if (low >= high) return;
    const double kind = random_.unit();
    Index to = low + random_.below(high - low + 1);
    if (kind < 0.25) to = low;
    if (kind > 0.75) to = high;
    const Index from = at_[z(group)];
    if (to == from) return;
    undo_.push_back({true, from, to, group, 0, 0});
    rotate(from, to);
  }

  // Takes the group at `from` to position `to`; those between make room.
  void rotate(Index from, Index to) {
    const auto first = now_.order.begin();
    if (from < to) {
      std::rotate(first + from, first + from + 1, first + to + 1);
    } else {
      std::rotate(first + to, first + from, first + from + 1);
    }
    for (Index i = std::min(from, to); i <= std::max(from, to); ++i) at_[z(now_.order[z(i)])] = i;
  }

  const Problem& problem_;
  Sequence now_;
  Random random_;
  std::vector<Index> at_;  // per group: its position in the order
  std::vector<char> seen_;
  std::vector<Index> region_;
  std::vector<Step> undo_;
};

}  // namespace

SearchResult anneal(const Problem& problem, const Sequence& start, const SearchOptions& options) {
  Scorer scorer(problem, options.goal);
  SearchResult best{start, scorer.score(start), 0};
  if (problem.groups() == 0) return best;
  const auto begun = std::chrono::steady_clock::now();
  const std::chrono::duration<double> allowed(options.seconds);
  Walker walker(problem, start, options.seed);
  Time current = best.makespan;
  const double scale = current < kNever ? static_cast<double>(current) : 1e9;
  const double cooling = std::log(options.cold / options.hot);
  double temperature = options.hot * scale;
  for (std::int64_t i = 0; i < options.iterations && best.makespan > options.target; ++i) {
    if ((i & 63) == 0) {
      const double part = static_cast<double>(i) / static_cast<double>(options.iterations);
      temperature = options.hot * scale * std::exp(cooling * part);
      if (std::chrono::steady_clock::now() - begun > allowed) break;
    }
    ++best.iterations;
    walker.change();
    const Time made = scorer.score(walker.now());
    const double worse = static_cast<double>(made - current);
    if (made > current && (made >= kNever || walker.chance() >= std::exp(-worse / temperature))) {
      walker.put_back();
      continue;
    }
    current = made;
    if (made < best.makespan) {
      best.makespan = made;
      best.sequence = walker.now();
    }
  }
  return best;
}

}  // namespace hetsched::place
