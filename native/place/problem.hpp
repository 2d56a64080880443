// The placement problem as flat arrays: what `hetsched.place.problem.Problem` says, ready to be
// evaluated a million times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hetsched::place {

using Time = std::int64_t;   // nanoseconds
using Index = std::int32_t;  // a group, unit, edge or stage

inline constexpr Time kNever = std::numeric_limits<Time>::max() / 4;
inline constexpr Index kNone = -1;

// Rows of different lengths, one after the other.
class Rows {
 public:
  Rows() = default;
  explicit Rows(const std::vector<std::vector<Index>>& rows);

  struct Row {
    const Index* first;
    const Index* last;
    const Index* begin() const { return first; }
    const Index* end() const { return last; }
    std::size_t size() const { return static_cast<std::size_t>(last - first); }
    Index operator[](std::size_t i) const { return first[i]; }
  };

  Row operator[](Index row) const {
    const auto r = static_cast<std::size_t>(row);
    return {items_.data() + starts_[r], items_.data() + starts_[r + 1]};
  }

 private:
  std::vector<std::size_t> starts_{0};
  std::vector<Index> items_;
};

// A tensor that can cross from one stage to another.
struct Edge {
  Index producer = kNone;  // kNone: a model input, which lives on the home unit
  std::vector<Index> consumers;
  std::vector<Time> transfer;  // [from * units + to]
};

// Groups to place on units. Immutable once built; groups are in a topological order.
class Problem {
 public:
  // `cost` and `weights` are [group * units + unit]; a negative cost means unsupported; a negative
  // limit in `max_stages` or `memory` means no limit. Throws std::invalid_argument when sizes or
  // indices don't fit.
  Problem(Index units, std::vector<Time> cost, std::vector<Edge> edges, Index home,
          std::vector<Time> dispatch, std::vector<std::int64_t> max_stages,
          std::vector<std::int64_t> weights, std::vector<std::int64_t> memory);

  Index groups() const { return groups_; }
  Index units() const { return units_; }
  Index edges() const { return static_cast<Index>(edges_.size()); }
  Index home() const { return home_; }

  bool allowed(Index group, Index unit) const { return cost(group, unit) >= 0; }
  Time cost(Index group, Index unit) const { return cost_[at(group, unit)]; }
  std::int64_t weights(Index group, Index unit) const { return weights_[at(group, unit)]; }
  Time dispatch(Index unit) const { return dispatch_[static_cast<std::size_t>(unit)]; }
  std::int64_t max_stages(Index unit) const { return max_stages_[static_cast<std::size_t>(unit)]; }
  std::int64_t memory(Index unit) const { return memory_[static_cast<std::size_t>(unit)]; }
  bool has_limits() const { return has_limits_; }

  const Edge& edge(Index e) const { return edges_[static_cast<std::size_t>(e)]; }
  Time transfer(Index e, Index from, Index to) const {
    return edge(e).transfer[at(from, to)];
  }

  // Groups that make a tensor the group reads, ascending; and the reverse.
  Rows::Row predecessors(Index group) const { return predecessors_[group]; }
  Rows::Row successors(Index group) const { return successors_[group]; }
  // Edges that the group reads, ascending; and that it makes.
  Rows::Row reads(Index group) const { return reads_[group]; }
  Rows::Row writes(Index group) const { return writes_[group]; }
  // Units that can run the group, ascending.
  Rows::Row units_of(Index group) const { return units_of_[group]; }

 private:
  std::size_t at(Index row, Index unit) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(units_) +
           static_cast<std::size_t>(unit);
  }
  void check() const;
  void link();

  Index groups_ = 0;
  Index units_ = 0;
  Index home_ = 0;
  bool has_limits_ = false;
  std::vector<Time> cost_;
  std::vector<Edge> edges_;
  std::vector<Time> dispatch_;
  std::vector<std::int64_t> max_stages_;
  std::vector<std::int64_t> weights_;
  std::vector<std::int64_t> memory_;
  Rows predecessors_;
  Rows successors_;
  Rows reads_;
  Rows writes_;
  Rows units_of_;
};

}  // namespace hetsched::place
