#include "place/labels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace hetsched::place {

namespace {

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::size_t kMostPrices = 12;
constexpr std::size_t kMostEnds = 8;
constexpr std::size_t kWalked = 256;   // ends of which the real loads are looked at
constexpr std::size_t kHurried = 64;   // labels when it is late
constexpr std::size_t kBatch = 32;     // labels whose cells are fetched from memory together
constexpr int kTimeBits = 30;
constexpr Time kMostTime = Time{1} << kTimeBits;
constexpr double kExact = 0x1p52;      // sums up to here are exact

// Steps of 2^shift ns in which a time fits kTimeBits.
int shift_for(Time upper) {
  const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(upper)));
  return std::max(0, bits - kTimeBits);
}

}  // namespace

Labels::Labels(const Layers& graph, const std::vector<Priced>& prices, std::size_t units, Time upper,
               std::int64_t labels, std::int64_t grain)
    : graph_(graph),
      units_(units),
      shift_(shift_for(upper)),
      step_(std::ldexp(static_cast<double>(kPriceSum), shift_)),
      most_(z(labels)),
      top_(static_cast<double>(upper) * static_cast<double>(kPriceSum)),
      dropped_(top_),
      ways_(graph.layers.size()) {
  const auto size = static_cast<std::uint64_t>((upper >> shift_) / grain);
  grain_bits_ = std::max(0, static_cast<int>(std::bit_width(size)) - 1);
  set_prices(prices);
}

// Prices, and what they say of the rest, in the order of access. Both in ns, times kPriceSum.
void Labels::set_prices(const std::vector<Priced>& prices) {
  price_count_ = std::min(prices.size(), kMostPrices);
  price_.resize(units_ * price_count_);
  rest_.resize(graph_.layers.size() + 1);
  for (std::size_t k = 0; k < price_count_; ++k) {
    for (std::size_t u = 0; u < units_; ++u) {
      price_[u * price_count_ + k] =
          std::ldexp(static_cast<double>(prices[k].price[u]), shift_);
    }
    const auto rest = costs_to_end(graph_, prices[k].price);
    for (std::size_t group = 0; group < rest.size(); ++group) {
      rest_[group].resize(rest[group].size() * price_count_);
      for (std::size_t node = 0; node < rest[group].size(); ++node) {
        rest_[group][node * price_count_ + k] =
            rest[group][node] >= kNever ? top_ : static_cast<double>(rest[group][node]);
      }
    }
  }
}

// What an end of the label has at least: the busiest unit so far, and each price's weighted sum.
double Labels::least(std::size_t group, const Label& label) const {
  std::array<double, kMostPrices> sum{};  // prices are never negative: more of them don't matter
  const double* rest = rest_[group].data() + z(label.node) * price_count_;
  std::copy_n(rest, price_count_, sum.begin());
  std::int32_t busiest = 0;
  for (std::size_t u = 0; u < units_; ++u) {
    const double load = label.low[u];
    const double* price = price_.data() + u * price_count_;
    for (std::size_t k = 0; k < price_count_; ++k) sum[k] += price[k] * load;
    busiest = std::max(busiest, label.low[u]);
  }
  const double most = busiest * step_;
  return std::max(most, *std::max_element(sum.begin(), sum.end()));
}

std::size_t Labels::cell(const Label& label) const {
  auto mixed = static_cast<std::uint64_t>(label.node) * 0x9e3779b97f4a7c15ULL;
  for (std::size_t u = 0; u < units_; ++u) {
    mixed = (mixed ^ static_cast<std::uint64_t>(label.low[u] >> grain_bits_)) * 0xbf58476d1ce4e5b9ULL;
    mixed ^= mixed >> 29U;
  }
  return static_cast<std::size_t>(mixed);
}

bool Labels::same_cell(const Label& a, const Label& b) const {
  if (a.node != b.node) return false;
  for (std::size_t u = 0; u < units_; ++u) {
    if (a.low[u] >> grain_bits_ != b.low[u] >> grain_bits_) return false;
  }
  return true;
}

// One label joins another of its cell: the loads they share, and the more promising way.
void Labels::join(std::size_t group, Label& into, const Label& other) const {
  Loads low = into.low;
  for (std::size_t u = 0; u < units_; ++u) low[u] = std::min(low[u], other.low[u]);
  if (other.least < into.least) into = other;
  if (low == into.low) return;
  into.low = low;
  into.least = std::min(into.least, least(group, into));
}

void Labels::add(std::size_t group, const Label& label, std::size_t at) {
  for (;; at = (at + 1) & mask_) {
    if (table_[at] == kNone) {
      table_[at] = static_cast<std::int32_t>(next_.size());
      next_.push_back(label);
      return;
    }
    Label& known = next_[z(table_[at])];
    if (!same_cell(known, label)) continue;
    join(group, known, label);
    return;
  }
}

void Labels::extend(std::size_t group) {
  const Layer& layer = graph_.layers[group];
  mask_ = std::bit_ceil(now_.size() * units_ * 2) - 1;
  table_.assign(mask_ + 1, kNone);
  next_.clear();
  for (std::size_t i = 0; i < now_.size(); ++i) {
    const Label& from = now_[i];
    for (auto a = layer.first[z(from.node)]; a < layer.first[z(from.node) + 1]; ++a) {
      const Arc& arc = layer.arcs[z(a)];
      Label label = from;
      label.node = arc.to;
      label.way = static_cast<std::int32_t>(i * kMostUnits + z(arc.unit));
      // A longer time is too long as well; labels that are kept are below 2^kTimeBits.
      label.low[z(arc.unit)] += static_cast<std::int32_t>(std::min(arc.time >> shift_, kMostTime));
      label.least = std::max(from.least, least(group + 1, label));
      if (label.least >= top_) continue;
      const std::size_t at = cell(label) & mask_;
      __builtin_prefetch(&table_[at]);
      waiting_.emplace_back(label, at);
    }
    if (waiting_.size() >= kBatch || i + 1 == now_.size()) {
      for (const auto& [label, at] : waiting_) add(group + 1, label, at);
      waiting_.clear();
    }
  }
}

// Keeps the most promising labels, the first of equals.
void Labels::thin_out(std::size_t most) {
  if (next_.size() <= most) return;
  std::vector<double> order;
  order.reserve(next_.size());
  for (const Label& label : next_) order.push_back(label.least);
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end());
  const double limit = order[most];
  dropped_ = std::min(dropped_, limit);
  auto equals = most - z(std::count_if(next_.begin(), next_.end(), [&](const Label& label) {
    return label.least < limit;
  }));
  std::erase_if(next_, [&](const Label& label) {
    if (label.least < limit) return false;
    if (label.least > limit || equals == 0) return true;
    --equals;
    return false;
  });
}

void Labels::run(const std::function<bool()>& late) {
  now_.assign(1, Label{0, 0, kNone, {}});
  for (std::size_t group = 0; group < graph_.layers.size(); ++group) {
    stopped_ = stopped_ || late();
    extend(group);
    thin_out(stopped_ ? kHurried : most_);
    ways_[group].reserve(next_.size());
    for (const Label& label : next_) ways_[group].push_back(label.way);
    now_.swap(next_);
  }
  for (const Label& label : now_) dropped_ = std::min(dropped_, label.least);
}

Time Labels::bound() const {
  if (stopped_) return 0;
  const double least = dropped_ / static_cast<double>(kPriceSum);
  return static_cast<Time>(std::ceil(top_ < kExact ? least : least * (1 - 1e-12)));
}

// Follows an end back to the start; returns its busiest unit's time.
Time Labels::walk(std::size_t end, std::vector<Index>& unit) const {
  unit.resize(ways_.size());
  auto at = end;
  for (std::size_t group = ways_.size(); group-- > 0;) {
    unit[group] = static_cast<Index>(z(ways_[group][at]) % kMostUnits);
    at = z(ways_[group][at]) / kMostUnits;
  }
  std::array<Time, kMostUnits> load{};
  std::int32_t node = 0;
  for (std::size_t group = 0; group < unit.size(); ++group) {
    const Layer& layer = graph_.layers[group];
    auto a = layer.first[z(node)];
    while (layer.arcs[z(a)].unit != unit[group]) ++a;
    load[z(unit[group])] += layer.arcs[z(a)].time;
    node = layer.arcs[z(a)].to;
  }
  return *std::max_element(load.begin(), load.end());
}

std::vector<std::vector<Index>> Labels::best_ends() const {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < now_.size(); ++i) order.emplace_back(now_[i].least, i);
  std::sort(order.begin(), order.end());
  if (order.size() > kWalked) order.resize(kWalked);
  std::vector<std::pair<Time, std::vector<Index>>> found;
  for (const auto& [value, end] : order) {
    std::vector<Index> unit;
    const Time real = walk(end, unit);
    found.emplace_back(real, std::move(unit));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::vector<Index>> units;
  for (auto& [value, unit] : found) {
    if (units.size() == kMostEnds) break;
    if (units.empty() || units.back() != unit) units.push_back(std::move(unit));
  }
  return units;
}

}  // namespace hetsched::place
