// What later groups need to know of the earlier ones, when groups are placed in order.
//
// For each live tensor: the unit that made it, the units that hold it, and how many stages each unit
// has begun that its maker doesn't come after. A stage that a path enters comes after all stages that
// the path left on that unit: so a unit has at least as many stages as any path enters it, and a new
// one is charged where a path enters it once more than any path before. Costs and copies are exact;
// stages that wait for each other, memory and caps aren't seen. So the units' times that a sequence
// of states adds up to are never above those of a schedule.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

inline constexpr std::size_t kSlots = 15;  // live tensors at a time
inline constexpr Index kMostUnits = 8;

// One field per live tensor, then one for groups that read no other group's tensor. In a field: the
// maker + 1 in 4 bits, holders in 8, whether a stage was begun behind the maker's back in 2 per unit.
using State = std::array<std::uint32_t, kSlots + 1>;

struct StateHash {
  std::size_t operator()(const State& state) const {
    std::uint64_t mixed = 0x9e3779b97f4a7c15ULL;
    for (std::size_t i = 0; i < state.size(); i += 2) {
      const std::uint64_t word = state[i] | static_cast<std::uint64_t>(state[i + 1]) << 32U;
      mixed = (mixed ^ word) * 0xbf58476d1ce4e5b9ULL;
      mixed ^= mixed >> 29U;
    }
    return static_cast<std::size_t>(mixed);
  }
};

// Of how many live tensors everything is kept. Where more are live, those that live longest are
// loose (copies of them aren't charged) or free (nor stages begun after them). Both lower the bound.
struct Detail {
  std::size_t width = kSlots;
  bool loose = false;
};

class States {
 public:
  explicit States(const Problem& problem, Detail detail = {});

  // Whether there are few enough units; without, nothing else may be asked.
  bool fits() const { return fits_; }
  const State& start() const { return start_; }
  // Most tensors of which everything is kept at a time.
  std::size_t width() const { return width_; }

  // Runs a group on a unit: its time there, and the state after it.
  Time run(Index group, Index unit, State& state) const;

  // Least cost of the groups from each one on, without copies and dispatches, weighted by prices.
  std::vector<Time> remaining(const std::vector<Time>& price) const;

 private:
  // What a group reads, makes and forgets.
  struct Step {
    bool root = false;                                          // reads no other group's tensor
    std::vector<std::pair<std::size_t, Index>> reads;           // slot, edge
    std::vector<std::size_t> makes;                             // slots
    std::vector<std::size_t> makes_loose;                       // likewise
    std::vector<std::pair<std::size_t, unsigned>> afterwards;   // slot, units that may still read it
    unsigned later = 0;                                         // units that later groups may run on
    bool more_roots = false;                                    // whether a root follows
  };

  bool assign_slots();
  void release_long_lived(Detail detail);
  void look_ahead();
  unsigned later_readers(Index e, Index group) const;
  std::uint32_t enter(const Step& step, Index unit, State& state, Time& time) const;

  const Problem& problem_;
  std::vector<Step> steps_;
  State start_{};
  std::vector<char> free_;   // per edge
  std::vector<char> loose_;  // per edge
  std::size_t width_ = 0;
  bool fits_ = false;
};

}  // namespace hetsched::place
