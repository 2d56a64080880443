#include "place/totals.hpp"

#include <algorithm>

namespace hetsched::place {

namespace {

std::size_t z(Index i) { return static_cast<std::size_t>(i); }

template <typename Row>
Rows collect(Index groups, const Row& row) {
  std::vector<std::vector<Index>> rows;
  for (Index g = 0; g < groups; ++g) rows.emplace_back(row(g).begin(), row(g).end());
  return Rows(rows);
}

}  // namespace

Totals::Totals(const Problem& problem)
    : problem_(problem),
      units_(z(problem.units())),
      reads_(collect(problem.groups(), [&](Index g) { return problem.reads(g); })),
      writes_(collect(problem.groups(), [&](Index g) { return problem.writes(g); })),
      start_(z(problem.edges())),
      open_(units_),
      busy_(units_),
      stages_(units_),
      memory_(units_) {
  for (Index g = 0; g < problem.groups(); ++g) {
    for (Index u = 0; u < problem.units(); ++u) cost_.push_back(problem.cost(g, u));
  }
  for (Index e = 0; e < problem.edges(); ++e) {
    const Edge& edge = problem.edge(e);
    transfer_.insert(transfer_.end(), edge.transfer.begin(), edge.transfer.end());
    if (edge.producer != kNone) continue;
    start_[z(e)] = {kNone, problem.home(), std::uint64_t{1} << problem.home()};
  }
}

// Whether a group may run in its unit's latest stage: no input comes from a stage begun after it.
bool Totals::joins(Index group, Index open) const {
  if (open == kNone) return false;
  return std::ranges::all_of(reads_[group],
                             [&](Index e) { return tensor_[z(e)].stage <= open; });
}

bool Totals::run(const Sequence& sequence) {
  tensor_ = start_;
  std::fill(open_.begin(), open_.end(), kNone);
  std::fill(busy_.begin(), busy_.end(), Time{0});
  std::fill(stages_.begin(), stages_.end(), 0);
  std::fill(memory_.begin(), memory_.end(), 0);
  Index count = 0;
  for (const Index group : sequence.order) {
    const Index unit = sequence.unit[z(group)];
    const std::size_t u = z(unit);
    Time time = cost_[z(group) * units_ + u];
    if (sequence.breaks[z(group)] != 0 || !joins(group, open_[u])) {
      open_[u] = count++;
      ++stages_[u];
      time += problem_.dispatch(unit);
    }
    const std::uint64_t here = std::uint64_t{1} << unit;
    for (const Index e : reads_[group]) {
      Tensor& tensor = tensor_[z(e)];
      if ((tensor.held & here) != 0) continue;
      tensor.held |= here;
      time += transfer_[(z(e) * units_ + z(tensor.unit)) * units_ + u];
    }
    for (const Index e : writes_[group]) tensor_[z(e)] = {open_[u], unit, here};
    busy_[u] += time;
    if (problem_.has_limits()) memory_[u] += problem_.weights(group, unit);
  }
  return !problem_.has_limits() || within_limits();
}

bool Totals::within_limits() const {
  for (Index u = 0; u < problem_.units(); ++u) {
    if (problem_.max_stages(u) >= 0 && stages_[z(u)] > problem_.max_stages(u)) return false;
    if (problem_.memory(u) >= 0 && memory_[z(u)] > problem_.memory(u)) return false;
  }
  return true;
}

}  // namespace hetsched::place
