// Labels carried through a graph of states: each a state with what every unit has done so far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "place/layers.hpp"
#include "place/prices.hpp"
#include "place/problem.hpp"

namespace hetsched::place {

// One search. Times are counted in steps of 2^shift ns, rounded down, so that they fit 32 bits and
// every weighted sum is exact in a double.
class Labels {
 public:
  Labels(const Layers& graph, const std::vector<Priced>& prices, std::size_t units, Time upper,
         std::int64_t labels, std::int64_t grain);

  // Goes through all layers. Once `late` says so, with few labels and without a bound.
  void run(const std::function<bool()>& late);

  // No path through the graph has a busiest unit below this; 0 after a late run.
  Time bound() const;

  // Units per group of the ends whose busiest unit is least busy, best first.
  std::vector<std::vector<Index>> best_ends() const;

 private:
  using Loads = std::array<std::int32_t, kMostUnits>;

  struct Label {
    double least;  // weighted sum (times kPriceSum) that no end of it is below
    std::int32_t node;
    std::int32_t way;  // (label of the layer before) * kMostUnits + unit
    Loads low;         // what the units have done at least
  };

  void set_prices(const std::vector<Priced>& prices);
  double least(std::size_t group, const Label& label) const;
  std::size_t cell(const Label& label) const;
  bool same_cell(const Label& a, const Label& b) const;
  void join(std::size_t group, Label& into, const Label& other) const;
  void extend(std::size_t group);
  void add(std::size_t group, const Label& label, std::size_t at);
  void thin_out(std::size_t most);
  Time walk(std::size_t end, std::vector<Index>& unit) const;

  const Layers& graph_;
  std::size_t units_;
  int shift_ = 0;
  double step_ = 0;  // of a time, weighted
  int grain_bits_ = 0;
  std::size_t most_;
  double top_;
  double dropped_;  // least of what was dropped
  bool stopped_ = false;
  std::size_t price_count_ = 0;
  std::vector<double> price_;               // [unit * price_count_ + price]
  std::vector<std::vector<double>> rest_;   // [group][node * price_count_ + price]
  std::vector<Label> now_;
  std::vector<Label> next_;
  std::vector<std::pair<Label, std::size_t>> waiting_;  // to be added, and where to look first
  std::vector<std::int32_t> table_;         // of cells to labels of `next_`
  std::size_t mask_ = 0;                    // its size - 1
  std::vector<std::vector<std::int32_t>> ways_;  // [group][label]
};

}  // namespace hetsched::place
