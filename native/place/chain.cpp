#include "place/chain.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "place/bound.hpp"
#include "place/exact.hpp"
#include "place/parallel.hpp"
#include "place/search.hpp"
#include "place/starts.hpp"
#include "place/work.hpp"

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

// The best schedule of a block between its source on one unit and its sink on another.
struct Arc {
  Time lower = kNever;  // kNever: no such arc
  Time upper = kNever;
  int effort = 0;  // how much was spent on it
  Stages stages;
};

// Searches grow by this factor from one effort to the next.
constexpr std::int64_t kGrowth = 16;
constexpr int kMostEffort = 3;

// Arcs don't depend on each other: the answer is the same for any number of threads.
constexpr std::size_t kThreads = 2;

using Clock = std::chrono::steady_clock;

// Arcs of one block (and of all blocks equal to it): [source unit * units + sink unit].
class Table {
 public:
  Table(const Problem& problem, const Block& block)
      : problem_(problem), block_(block), units_(problem.units()) {
    arcs_.resize(z(units_) * z(units_));
    for (const Index a : sources()) {
      for (const Index b : sinks()) bound(a, b);
    }
  }

  // Units of the source and the sink; a missing one has the single unit 0.
  std::vector<Index> sources() const { return units_of(block_.source); }
  std::vector<Index> sinks() const { return units_of(block_.sink); }
  const Arc& arc(Index a, Index b) const { return arcs_[z(a) * z(units_) + z(b)]; }

  // Spends one effort more on an arc, of which it only matters whether it's below `cutoff`.
  void improve(Index a, Index b, Time cutoff, const ChainOptions& options, double seconds);

 private:
  Arc& at(Index a, Index b) { return arcs_[z(a) * z(units_) + z(b)]; }
  Time head(Index a) const { return block_.source == kNone ? 0 : problem_.dispatch(a); }
  void bound(Index a, Index b);
  void search(const Problem& local, Arc& arc, Time head, std::int64_t part,
              const ChainOptions& options, double seconds);

  std::vector<Index> units_of(Index group) const {
    if (group == kNone) return {0};
    const auto row = problem_.units_of(group);
    return {row.begin(), row.end()};
  }

  const Problem& problem_;
  Block block_;
  Index units_;
  std::vector<Arc> arcs_;
};

void Table::bound(Index a, Index b) {
  Arc& arc = at(a, b);
  const Problem local = block_problem(problem_, block_, a, b);
  const Time work = local.units() <= 8 ? WorkBound(local).at_least() : load_bound(local);
  arc.lower = std::max(path_bound(local), work) - head(a);
  arc.lower = std::max<Time>(arc.lower, 0);
}

void Table::improve(Index a, Index b, Time cutoff, const ChainOptions& options, double seconds) {
  Arc& arc = at(a, b);
  const Problem local = block_problem(problem_, block_, a, b);
  std::int64_t part = 1;
  for (int effort = ++arc.effort; effort < kMostEffort; ++effort) part *= kGrowth;
  search(local, arc, head(a), std::max<std::int64_t>(part / kGrowth, 1), options, seconds);
  if (arc.lower >= std::min(arc.upper, cutoff) || !fits_exact(local)) return;
  const Time known = std::min(arc.upper, cutoff) + head(a);
  ExactResult exact = solve_exact(local, known, {options.max_nodes / part, seconds});
  arc.lower = std::max(arc.lower, exact.bound - head(a));
  if (exact.stages.unit.empty()) return;
  arc.upper = exact.value - head(a);
  arc.stages = std::move(exact.stages);
}

// Anneals from the arc's stages, or from scratch, for `1 / part` of the iterations.
void Table::search(const Problem& local, Arc& arc, Time head, std::int64_t part,
                   const ChainOptions& options, double seconds) {
  Evaluator evaluator(local);
  SearchOptions search;
  search.seed = options.seed + static_cast<std::uint64_t>(arc.effort);
  search.iterations = local.groups() > 2 ? options.iterations * local.groups() / part : 0;
  search.target = arc.lower + head;
  search.hot = 0.05;
  search.seconds = seconds;
  const Sequence start = arc.upper < kNever ? evaluator.sequence(arc.stages) : best_start(local);
  const SearchResult found = anneal(local, start, search);
  if (found.makespan - head >= arc.upper) return;
  arc.upper = found.makespan - head;
  arc.stages = evaluator.stages(found.sequence);
}

class Chain {
 public:
  Chain(const Problem& problem, const ChainOptions& options)
      : problem_(problem),
        options_(options),
        begun_(Clock::now()),
        blocks_(blocks(problem, clean_points(problem))) {
    for (const Block& block : blocks_) tables_.push_back(table(block));
  }

  ChainResult run();

 private:
  struct Path {
    Time length = kNever;
    std::vector<Index> unit;  // before the first block, and after each
  };

  std::shared_ptr<Table> table(const Block& block);
  Path shortest(bool upper) const;
  std::vector<std::vector<Time>> ahead() const;
  std::vector<std::vector<Time>> rest() const;
  std::vector<Time> cutoffs(const Path& path) const;
  Time goal() const;
  bool improve(const Path& path);
  void fill(const Path& path);
  Link link(std::size_t i, const Path& path) const;
  bool settled(const Arc& arc) const;
  Stages join(const Path& path) const;
  double left() const {
    return options_.seconds - std::chrono::duration<double>(Clock::now() - begun_).count();
  }

  const Problem& problem_;
  ChainOptions options_;
  Clock::time_point begun_;
  std::vector<Block> blocks_;
  std::vector<std::shared_ptr<Table>> tables_;
  std::map<std::vector<Time>, std::shared_ptr<Table>> known_;
};

// Everything that a block's arcs depend on.
std::vector<Time> signature(const Problem& problem, const Block& block) {
  std::vector<Time> key{end(block) - begin(block), block.source == kNone, block.sink == kNone};
  for (Index g = begin(block); g < end(block); ++g) {
    const bool pinned = g == block.source || g == block.sink;
    for (Index u = 0; u < problem.units(); ++u) {
      key.push_back(pinned && problem.allowed(g, u) ? 0 : problem.cost(g, u));
    }
    if (g == block.source) continue;
    for (const Index e : problem.reads(g)) {
      const Edge& edge = problem.edge(e);
      const Index first = *std::min_element(edge.consumers.begin(), edge.consumers.end());
      key.push_back(edge.producer == kNone ? kNone : edge.producer - begin(block));
      key.push_back(first - begin(block));
      if (first != g) continue;
      for (const Index reader : edge.consumers) key.push_back(reader - begin(block));
      key.insert(key.end(), edge.transfer.begin(), edge.transfer.end());
    }
    key.push_back(kNever);
  }
  return key;
}

std::shared_ptr<Table> Chain::table(const Block& block) {
  auto& entry = known_[signature(problem_, block)];
  if (!entry) entry = std::make_shared<Table>(problem_, block);
  return entry;
}

// The best path by the arcs' lower or upper ends. Clean points cost their own time on their unit.
Chain::Path Chain::shortest(bool upper) const {
  const auto units = z(problem_.units());
  std::vector<Time> reach(units, kNever);
  reach[0] = 0;  // the virtual source, or replaced below
  std::vector<std::vector<Index>> from;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Table& table = *tables_[i];
    std::vector<Time> next(units, kNever);
    std::vector<Index> back(units, kNone);
    for (const Index a : table.sources()) {
      for (const Index b : table.sinks()) {
        const Arc& arc = table.arc(a, b);
        Time length = upper ? arc.upper : arc.lower;
        if (reach[z(a)] >= kNever || length >= kNever) continue;
        length += reach[z(a)];
        if (blocks_[i].sink != kNone) length += problem_.cost(blocks_[i].sink, b);
        if (length >= next[z(b)]) continue;
        next[z(b)] = length;
        back[z(b)] = a;
      }
    }
    reach = std::move(next);
    from.push_back(std::move(back));
  }
  Path path;
  const auto last = std::min_element(reach.begin(), reach.end());
  path.length = *last;
  if (path.length >= kNever) return path;
  path.unit.push_back(static_cast<Index>(last - reach.begin()));
  for (auto back = from.rbegin(); back != from.rend(); ++back) {
    path.unit.push_back((*back)[z(path.unit.back())]);
  }
  std::reverse(path.unit.begin(), path.unit.end());
  return path;
}

// Least time from the start to each block, by its source's unit, the source's own time included.
std::vector<std::vector<Time>> Chain::ahead() const {
  std::vector<std::vector<Time>> reach{std::vector<Time>(z(problem_.units()), kNever)};
  reach[0][0] = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    std::vector<Time> next(z(problem_.units()), kNever);
    for (const Index a : tables_[i]->sources()) {
      for (const Index b : tables_[i]->sinks()) {
        const Time own = blocks_[i].sink == kNone ? 0 : problem_.cost(blocks_[i].sink, b);
        const Time length = reach[i][z(a)] + tables_[i]->arc(a, b).lower + own;
        next[z(b)] = std::min(next[z(b)], length);
      }
    }
    reach.push_back(std::move(next));
  }
  return reach;
}

// Least time from the end of each block to the end, by its sink's unit, the sink's own time included.
std::vector<std::vector<Time>> Chain::rest() const {
  const std::vector<Time> never(z(problem_.units()), kNever);
  std::vector<std::vector<Time>> rest(blocks_.size(), never);
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    for (const Index b : tables_[i]->sinks()) {
      Time& least = rest[i][z(b)];
      if (i + 1 == blocks_.size()) least = 0;
      for (Index c = 0; i + 1 < blocks_.size() && c < problem_.units(); ++c) {
        least = std::min(least, tables_[i + 1]->arc(b, c).lower + rest[i + 1][z(c)]);
      }
      if (blocks_[i].sink != kNone) least += problem_.cost(blocks_[i].sink, b);
    }
  }
  return rest;
}

// A bound at which the gap is closed.
Time Chain::goal() const {
  const Time known = std::min(options_.known, shortest(true).length);
  if (known >= kNever) return kNever;
  return static_cast<Time>(std::ceil(static_cast<double>(known) * (1.0 - options_.gap)));
}

// For each arc on the path: what it must be below to be of use.
std::vector<Time> Chain::cutoffs(const Path& path) const {
  const Time aim = goal();
  const auto before = ahead();
  const auto after = rest();
  std::vector<Time> result;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Time others = before[i][z(path.unit[i])] + after[i][z(path.unit[i + 1])];
    result.push_back(aim >= kNever ? kNever : std::max<Time>(0, aim - others));
  }
  return result;
}

bool Chain::settled(const Arc& arc) const {
  return arc.lower >= arc.upper || arc.effort >= kMostEffort;
}

// Spends effort on the open arcs of the path on which least was spent so far; false if none is open.
bool Chain::improve(const Path& path) {
  int least = kMostEffort;
  const auto arc = [&](std::size_t i) -> const Arc& {
    return tables_[i]->arc(path.unit[i], path.unit[i + 1]);
  };
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!settled(arc(i))) least = std::min(least, arc(i).effort);
  }
  if (least == kMostEffort) return false;
  const std::vector<Time> cutoff = cutoffs(path);
  std::vector<std::pair<std::size_t, Time>> chosen;
  std::map<const Arc*, std::size_t> seen;  // equal blocks share an arc: improved once
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (settled(arc(i)) || arc(i).effort > least) continue;
    const auto [entry, fresh] = seen.try_emplace(&arc(i), chosen.size());
    if (fresh) chosen.emplace_back(i, 0);
    Time& most = chosen[entry->second].second;
    most = std::max(most, cutoff[i]);
  }
  for_each_index(chosen.size(), kThreads, [&](std::size_t at) {
    const auto [i, needed] = chosen[at];
    const double seconds = left();
    if (seconds <= 0) return;
    tables_[i]->improve(path.unit[i], path.unit[i + 1], needed, options_, seconds);
  });
  return true;
}

// The blocks' stages one after the other; a block's first stage is the tail of its source's.
Stages Chain::join(const Path& path) const {
  Stages all;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Arc& arc = tables_[i]->arc(path.unit[i], path.unit[i + 1]);
    const Index from = begin(blocks_[i]);
    for (std::size_t s = 0; s < arc.stages.unit.size(); ++s) {
      if (s > 0 || blocks_[i].source == kNone) {
        all.unit.push_back(arc.stages.unit[s]);
        all.groups.emplace_back();
      }
      for (const Index local : arc.stages.groups[s]) {
        if (local + from != blocks_[i].source) all.groups.back().push_back(local + from);
      }
    }
  }
  for (auto& row : all.groups) std::sort(row.begin(), row.end());
  return all;
}

// Gives every arc of the path a schedule, however simple.
void Chain::fill(const Path& path) {
  ChainOptions none = options_;
  none.iterations = 0;
  none.max_nodes = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Arc& arc = tables_[i]->arc(path.unit[i], path.unit[i + 1]);
    if (arc.upper >= kNever) tables_[i]->improve(path.unit[i], path.unit[i + 1], 0, none, 0);
  }
}

Link Chain::link(std::size_t i, const Path& path) const {
  Link made{blocks_[i], {}, 0};
  for (Index a = 0; a < problem_.units(); ++a) {
    for (Index b = 0; b < problem_.units(); ++b) made.lower.push_back(tables_[i]->arc(a, b).lower);
  }
  const Arc& arc = tables_[i]->arc(path.unit[i], path.unit[i + 1]);
  made.open = arc.upper - arc.lower;
  return made;
}

ChainResult Chain::run() {
  ChainResult result;
  Path best = shortest(false);
  while (best.length < kNever && left() > 0) {
    if (best.length >= goal()) break;
    if (!improve(best)) break;
    best = shortest(false);
  }
  result.bound = best.length;
  if (best.length >= kNever) return result;
  fill(best);
  for (std::size_t i = 0; i < blocks_.size(); ++i) result.links.push_back(link(i, best));
  const Path found = shortest(true);
  if (found.length >= kNever) return result;
  result.stages = join(found);
  result.value = Evaluator(problem_).timing(result.stages).makespan;
  return result;
}

}  // namespace

ChainResult solve_chain(const Problem& problem, const ChainOptions& options) {
  if (problem.groups() == 0) return {{}, 0, 0, {}};
  return Chain(problem, options).run();
}

}  // namespace hetsched::place
