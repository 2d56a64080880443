#include "place/pack.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

constexpr unsigned kSpine = 1;  // bit 0 of a state: the longest path's last group is on the unit

// One longest path by number of groups.
std::vector<char> longest_path(const Problem& problem) {
  const Index groups = problem.groups();
  std::vector<Index> length(z(groups), 1);
  std::vector<Index> before(z(groups), kNone);
  Index last = 0;
  for (Index group = 0; group < groups; ++group) {
    for (const Index each : problem.predecessors(group)) {
      if (length[z(each)] + 1 > length[z(group)]) {
        length[z(group)] = length[z(each)] + 1;
        before[z(group)] = each;
      }
    }
    if (length[z(group)] > length[z(last)]) last = group;
  }
  std::vector<char> on(z(groups), 0);
  for (Index group = last; group != kNone; group = before[z(group)]) on[z(group)] = 1;
  return on;
}

// What a group does to a unit's state.
struct Step {
  Time cost = -1;  // negative where the unit can't run it
  bool spine = false;
  std::vector<std::pair<unsigned, Time>> reads;  // bit of a tensor, cost of its copy
  unsigned makes = 0;                            // bits of tensors it makes
  unsigned dies = 0;                             // bits that nobody reads afterwards
};

// One unit's side of the problem.
class Side {
 public:
  Side(const Problem& problem, Index unit, const std::vector<char>& spine, int width)
      : problem_(problem), unit_(unit), steps_(z(problem.groups())) {
    for (Index group = 0; group < problem.groups(); ++group) {
      Step& step = steps_[z(group)];
      step.cost = problem.allowed(group, unit) ? problem.cost(group, unit) : -1;
      step.spine = spine[z(group)] != 0;
    }
    track(width);
  }

  std::size_t states() const { return states_; }

  // f[p]: the least time in which the unit earns p or more, for p up to `total`.
  const std::vector<Time>& solve(const std::vector<Index>& price, Index total, bool keep_ways) {
    const std::size_t row = z(total) + 1;
    now_.assign(states_ * row, kNever);
    std::fill_n(now_.begin(), 1, Time{0});
    next_.resize(now_.size());
    if (keep_ways) ways_.resize(z(problem_.groups()) * now_.size());
    for (Index group = 0; group < problem_.groups(); ++group) {
      std::uint16_t* ways = keep_ways ? ways_.data() + z(group) * now_.size() : nullptr;
      advance(steps_[z(group)], z(price[z(group)]), row, ways);
    }
    return finish(row);
  }

  // Adds one to each group of the set that earns most within `limit`, after `solve`.
  void count_best(const std::vector<Index>& price, Index total, Time limit,
                  std::vector<int>& count) const {
    const std::size_t row = z(total) + 1;
    std::size_t earned = z(total);
    std::size_t state = 0;
    while (!least_state(row, earned, limit, state)) --earned;
    for (Index group = problem_.groups(); group-- > 0;) {
      const std::uint16_t way = ways_[(z(group) * states_ + state) * row + earned];
      if ((way & 1U) != 0) {
        ++count[z(group)];
        earned -= z(price[z(group)]);
      }
      state = way >> 1U;
    }
  }

 private:
  // Chooses the bits of tensors; more than `width` live at once are thinned out.
  void track(int width) {
    const Index edges = problem_.edges();
    std::vector<Time> copy(z(edges), 0);
    std::vector<Index> last(z(edges), kNone);
    for (Index e = 0; e < edges; ++e) {
      copy[z(e)] = copy_cost(e);
      for (const Index reader : problem_.edge(e).consumers) {
        if (problem_.allowed(reader, unit_)) last[z(e)] = reader;
      }
    }
    std::vector<Index> bit(z(edges), kNone);
    std::vector<char> dropped(z(edges), 0);
    while (!assign_bits(copy, last, width, dropped, bit)) {
    }
    int highest = 0;
    for (Index e = 0; e < edges; ++e) {
      if (bit[z(e)] == kNone) continue;
      const unsigned mask = 1U << static_cast<unsigned>(bit[z(e)]);
      highest = std::max(highest, static_cast<int>(bit[z(e)]));
      const Edge& edge = problem_.edge(e);
      if (edge.producer != kNone) steps_[z(edge.producer)].makes |= mask;
      for (const Index reader : edge.consumers) {
        if (problem_.allowed(reader, unit_)) steps_[z(reader)].reads.emplace_back(mask, copy[z(e)]);
      }
      steps_[z(last[z(e)])].dies |= mask;
    }
    states_ = std::size_t{1} << static_cast<unsigned>(highest + 1);
  }

  // The cheapest copy of a tensor to this unit; 0 where it needs none.
  Time copy_cost(Index e) const {
    const Edge& edge = problem_.edge(e);
    if (edge.producer == kNone) return problem_.transfer(e, problem_.home(), unit_);
    Time least = kNever;
    for (const Index from : problem_.units_of(edge.producer)) {
      if (from != unit_) least = std::min(least, problem_.transfer(e, from, unit_));
    }
    return least >= kNever ? 0 : least;
  }

  // Gives each live tensor a bit of its own, or drops one where there are too many.
  bool assign_bits(const std::vector<Time>& copy, const std::vector<Index>& last, int width,
                   std::vector<char>& dropped, std::vector<Index>& bit) const {
    std::vector<Index> owner(z(width) + 1, kNone);
    std::fill(bit.begin(), bit.end(), kNone);
    const auto enter = [&](Index e) {
      if (last[z(e)] == kNone || copy[z(e)] == 0 || dropped[z(e)] != 0) return true;
      for (std::size_t b = 1; b < owner.size(); ++b) {
        if (owner[b] != kNone) continue;
        owner[b] = e;
        bit[z(e)] = static_cast<Index>(b);
        return true;
      }
      Index cheapest = e;
      for (std::size_t b = 1; b < owner.size(); ++b) {
        if (copy[z(owner[b])] < copy[z(cheapest)]) cheapest = owner[b];
      }
      dropped[z(cheapest)] = 1;
      return false;
    };
    for (Index e = 0; e < problem_.edges(); ++e) {
      if (problem_.edge(e).producer == kNone && !enter(e)) return false;
    }
    for (Index group = 0; group < problem_.groups(); ++group) {
      // A tensor that dies here keeps its bit until the group's own tensors have theirs: in one step
      // a bit is either read or made.
      for (const Index e : problem_.writes(group)) {
        if (!enter(e)) return false;
      }
      for (Index& e : owner) {
        if (e != kNone && last[z(e)] == group) e = kNone;
      }
    }
    return true;
  }

  void advance(const Step& step, std::size_t price, std::size_t row, std::uint16_t* ways) {
    std::fill(next_.begin(), next_.end(), kNever);
    const unsigned forgotten = step.dies | (step.spine ? kSpine : 0U);
    for (unsigned state = 0; state < states_; ++state) {
      const Time* from = now_.data() + state * row;
      relax(from, state, state & ~forgotten, 0, 0, 0, row, ways);
      if (step.cost < 0) continue;
      Time cost = step.cost;
      unsigned held = state | step.makes;
      for (const auto& [mask, copy] : step.reads) {
        if ((state & mask) == 0) cost += copy;
        held |= mask;
      }
      if (step.spine && (state & kSpine) == 0) cost += problem_.dispatch(unit_);
      held = (held & ~step.dies) | (step.spine ? kSpine : state & kSpine);
      relax(from, state, held, price, cost, 1, row, ways);
    }
    now_.swap(next_);
  }

  void relax(const Time* from, unsigned state, unsigned to, std::size_t price, Time cost,
             unsigned taken, std::size_t row, std::uint16_t* ways) {
    Time* into = next_.data() + to * row;
    const auto way = static_cast<std::uint16_t>(state << 1U | taken);
    for (std::size_t p = 0; p + price < row; ++p) {
      const Time time = from[p] + cost;
      if (time >= into[p + price]) continue;
      into[p + price] = time;
      if (ways != nullptr) ways[to * row + p + price] = way;
    }
  }

  const std::vector<Time>& finish(std::size_t row) {
    least_.assign(row, kNever);
    for (std::size_t state = 0; state < states_; ++state) {
      for (std::size_t p = 0; p < row; ++p) {
        least_[p] = std::min(least_[p], now_[state * row + p]);
      }
    }
    for (std::size_t p = row - 1; p-- > 0;) least_[p] = std::min(least_[p], least_[p + 1]);
    return least_;
  }

  bool least_state(std::size_t row, std::size_t earned, Time limit, std::size_t& state) const {
    for (state = 0; state < states_; ++state) {
      if (now_[state * row + earned] <= limit) return true;
    }
    return false;
  }

  const Problem& problem_;
  Index unit_;
  std::vector<Step> steps_;
  std::size_t states_ = 2;
  std::vector<Time> now_;
  std::vector<Time> next_;
  std::vector<Time> least_;
  std::vector<std::uint16_t> ways_;
};

// Prices to begin with: each group's cost where it is relatively cheapest, with units weighted so
// that their loads balance.
std::vector<double> first_prices(const Problem& problem) {
  const Index units = problem.units();
  std::vector<double> weight(z(units), 1.0);
  std::vector<double> average(z(problem.groups()), 0.0);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> load(z(units), 0.0);
    for (Index group = 0; group < problem.groups(); ++group) {
      Index best = kNone;
      double least = 0;
      for (const Index unit : problem.units_of(group)) {
        const double price = weight[z(unit)] * static_cast<double>(problem.cost(group, unit));
        if (best == kNone || price < least) {
          best = unit;
          least = price;
        }
      }
      if (best == kNone) continue;
      load[z(best)] += static_cast<double>(problem.cost(group, best));
      if (round >= 100) average[z(group)] += least;
    }
    const double most = *std::max_element(load.begin(), load.end());
    if (most <= 0) break;
    double sum = 0;
    for (std::size_t u = 0; u < load.size(); ++u) {
      weight[u] *= std::exp(0.5 / (1.0 + round * 0.1) * (load[u] / most - 0.5));
      sum += weight[u];
    }
    for (double& each : weight) each /= sum;
  }
  return average;
}

// Integer prices in proportion to the given ones.
std::vector<Index> rounded(const std::vector<double>& price, Index resolution) {
  const double sum = std::accumulate(price.begin(), price.end(), 0.0);
  std::vector<Index> result(price.size(), 0);
  if (sum <= 0) return result;
  for (std::size_t g = 0; g < price.size(); ++g) {
    result[g] = static_cast<Index>(std::lround(price[g] / sum * static_cast<double>(resolution)));
  }
  return result;
}

// Highest price earned within a time.
Index earned(const std::vector<Time>& least, Time time) {
  const auto after = std::upper_bound(least.begin(), least.end(), time);
  return static_cast<Index>(after - least.begin()) - 1;
}

}  // namespace

Time pack_bound(const Problem& problem, const PackOptions& options) {
  if (problem.groups() == 0) return 0;
  const auto begun = std::chrono::steady_clock::now();
  const std::chrono::duration<double> allowed(options.seconds);
  const std::vector<char> spine = longest_path(problem);
  std::vector<Side> sides;
  for (Index unit = 0; unit < problem.units(); ++unit) {
    sides.emplace_back(problem, unit, spine, options.width);
  }
  std::vector<double> price = first_prices(problem);
  std::vector<std::vector<Time>> least(sides.size());
  Time best = 0;
  for (int round = 0; round <= options.rounds; ++round) {
    if (round > 0 && std::chrono::steady_clock::now() - begun > allowed) break;
    const std::vector<Index> prices = rounded(price, options.resolution);
    const Index total = std::accumulate(prices.begin(), prices.end(), Index{0});
    const bool more = round < options.rounds;
    for (std::size_t u = 0; u < sides.size(); ++u) least[u] = sides[u].solve(prices, total, more);
    const auto enough = [&](Time time) {
      Index sum = 0;
      for (const auto& each : least) sum += std::max<Index>(0, earned(each, time));
      return sum >= total;
    };
    Time low = 0;  // the least time that is enough
    Time high = std::min(options.upper, kNever - 1);
    while (low < high) {
      const Time middle = low + (high - low) / 2;
      if (enough(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    best = std::max(best, low);
    if (!more || static_cast<double>(best) >= (1 - options.gap) * static_cast<double>(options.upper)) {
      break;
    }
    std::vector<int> count(z(problem.groups()), 0);
    for (Side& side : sides) side.count_best(prices, total, low, count);
    const double step = 0.3 / std::sqrt(1.0 + round);
    const double floor = std::accumulate(price.begin(), price.end(), 0.0) / options.resolution / 4;
    for (std::size_t g = 0; g < price.size(); ++g) {
      price[g] = std::max(price[g], floor) * std::exp(step * (1 - count[g]));
    }
  }
  return best;
}

}  // namespace hetsched::place
