#include "place/problem.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace hetsched::place {

namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

void sort_unique(std::vector<Index>& row) {
  std::sort(row.begin(), row.end());
  row.erase(std::unique(row.begin(), row.end()), row.end());
}

}  // namespace

Rows::Rows(const std::vector<std::vector<Index>>& rows) {
  starts_.clear();
  starts_.reserve(rows.size() + 1);
  starts_.push_back(0);
  for (const auto& row : rows) {
    items_.insert(items_.end(), row.begin(), row.end());
    starts_.push_back(items_.size());
  }
}

Problem::Problem(Index units, std::vector<Time> cost, std::vector<Edge> edges, Index home,
                 std::vector<Time> dispatch, std::vector<std::int64_t> max_stages,
                 std::vector<std::int64_t> weights, std::vector<std::int64_t> memory)
    : units_(units),
      home_(home),
      cost_(std::move(cost)),
      edges_(std::move(edges)),
      dispatch_(std::move(dispatch)),
      max_stages_(std::move(max_stages)),
      weights_(std::move(weights)),
      memory_(std::move(memory)) {
  require(units_ > 0 && units_ <= 64, "a problem has 1 to 64 units");
  groups_ = static_cast<Index>(cost_.size() / static_cast<std::size_t>(units_));
  check();
  link();
  const auto limited = [](std::int64_t limit) { return limit >= 0; };
  has_limits_ = std::any_of(max_stages_.begin(), max_stages_.end(), limited) ||
                std::any_of(memory_.begin(), memory_.end(), limited);
}

void Problem::check() const {
  const auto n = static_cast<std::size_t>(groups_);
  const auto m = static_cast<std::size_t>(units_);
  require(cost_.size() == n * m, "costs don't form a groups x units table");
  require(weights_.size() == n * m, "weights don't form a groups x units table");
  require(dispatch_.size() == m && max_stages_.size() == m && memory_.size() == m,
          "dispatch, max_stages and memory need one number per unit");
  require(home_ >= 0 && home_ < units_, "home isn't a unit");
  for (const Edge& each : edges_) {
    require(each.transfer.size() == m * m, "transfers don't form a units x units table");
    require(each.producer >= kNone && each.producer < groups_, "an edge's producer isn't a group");
    for (const Index consumer : each.consumers) {
      require(consumer > each.producer && consumer >= 0 && consumer < groups_,
              "an edge's consumer isn't a later group");
    }
  }
}

void Problem::link() {
  const auto n = static_cast<std::size_t>(groups_);
  std::vector<std::vector<Index>> before(n), after(n), reads(n), writes(n), units_of(n);
  for (Index e = 0; e < edges(); ++e) {
    const Edge& each = edge(e);
    if (each.producer != kNone) writes[static_cast<std::size_t>(each.producer)].push_back(e);
    for (const Index consumer : each.consumers) {
      reads[static_cast<std::size_t>(consumer)].push_back(e);
      if (each.producer == kNone) continue;
      before[static_cast<std::size_t>(consumer)].push_back(each.producer);
      after[static_cast<std::size_t>(each.producer)].push_back(consumer);
    }
  }
  for (Index g = 0; g < groups_; ++g) {
    const auto i = static_cast<std::size_t>(g);
    sort_unique(before[i]);
    sort_unique(after[i]);
    sort_unique(reads[i]);
    for (Index u = 0; u < units_; ++u) {
      if (allowed(g, u)) units_of[i].push_back(u);
    }
  }
  predecessors_ = Rows(before);
  successors_ = Rows(after);
  reads_ = Rows(reads);
  writes_ = Rows(writes);
  units_of_ = Rows(units_of);
}

}  // namespace hetsched::place
