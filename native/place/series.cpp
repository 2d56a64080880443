#include "place/series.hpp"

#include <algorithm>
#include <utility>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

// All earlier groups reach a group iff each of them has a reader at or before it (following the
// first readers then ends there); the other side likewise.
std::vector<Index> series_points(const Problem& problem) {
  const Index n = problem.groups();
  std::vector<char> reached(z(n), 1);
  Index first_readers = 0;  // the largest of the first readers so far
  for (Index g = 0; g < n; ++g) {
    reached[z(g)] = first_readers <= g ? 1 : 0;
    const auto after = problem.successors(g);
    first_readers = std::max(first_readers, after.size() == 0 ? n : after[0]);
  }
  std::vector<Index> points;
  Index last_makers = n - 1;  // the smallest of the last makers so far
  for (Index g = n - 1; g >= 0; --g) {
    if (reached[z(g)] != 0 && last_makers >= g) points.push_back(g);
    const auto before = problem.predecessors(g);
    last_makers = std::min(last_makers, before.size() == 0 ? kNone : before[before.size() - 1]);
  }
  std::reverse(points.begin(), points.end());
  return points;
}

std::vector<Index> clean_points(const Problem& problem) {
  // How many tensors pass by each group: made (or, for inputs, read) before, read after it.
  std::vector<Index> change(z(problem.groups()) + 1, 0);
  for (Index e = 0; e < problem.edges(); ++e) {
    const Edge& edge = problem.edge(e);
    if (edge.consumers.empty()) continue;
    const auto [low, high] = std::minmax_element(edge.consumers.begin(), edge.consumers.end());
    const Index from = edge.producer == kNone ? *low : edge.producer + 1;
    if (from >= *high) continue;
    ++change[z(from)];
    --change[z(*high)];
  }
  std::vector<Index> passing(z(problem.groups()), 0);
  Index now = 0;
  for (Index g = 0; g < problem.groups(); ++g) {
    now += change[z(g)];
    passing[z(g)] = now;
  }
  std::vector<Index> points = series_points(problem);
  std::erase_if(points, [&](Index g) { return passing[z(g)] != 0; });
  return points;
}

std::vector<Block> blocks(const Problem& problem, const std::vector<Index>& points) {
  std::vector<Block> result;
  Block block;
  for (const Index point : points) {
    block.sink = point;
    block.last = point;
    result.push_back(block);
    block = Block{point, kNone, point + 1, point + 1};
  }
  block.last = problem.groups();
  if (block.source == kNone || block.first < block.last) result.push_back(block);
  return result;
}

Index begin(const Block& block) { return block.source == kNone ? block.first : block.source; }
Index end(const Block& block) { return block.sink == kNone ? block.last : block.sink + 1; }

Problem block_problem(const Problem& problem, const Block& block, Index source_unit,
                      Index sink_unit) {
  const Index from = begin(block);
  const Index to = end(block);
  const Index units = problem.units();
  std::vector<Time> cost;
  for (Index g = from; g < to; ++g) {
    for (Index u = 0; u < units; ++u) {
      Time each = problem.cost(g, u);
      if (g == block.source) each = u == source_unit ? 0 : kNone;
      if (g == block.sink) each = u == sink_unit ? 0 : kNone;
      cost.push_back(each);
    }
  }
  std::vector<Edge> edges;
  for (Index g = from; g < to; ++g) {
    if (g == block.source) continue;
    for (const Index e : problem.reads(g)) {
      const Edge& edge = problem.edge(e);
      const Index first_reader = *std::min_element(edge.consumers.begin(), edge.consumers.end());
      if (first_reader != g) continue;  // once per edge; all its readers are in the block
      Edge local{edge.producer == kNone ? kNone : edge.producer - from, {}, edge.transfer};
      for (const Index reader : edge.consumers) local.consumers.push_back(reader - from);
      edges.push_back(std::move(local));
    }
  }
  std::vector<Time> dispatch;
  for (Index u = 0; u < units; ++u) dispatch.push_back(problem.dispatch(u));
  const std::vector<std::int64_t> none(z(units), -1);
  const std::vector<std::int64_t> weights(cost.size(), 0);
  return Problem(units, std::move(cost), std::move(edges), problem.home(), std::move(dispatch), none,
                 weights, none);
}

}  // namespace hetsched::place
