// Solutions of a placement problem and what they cost under stage semantics.
//
// A stage is one dispatch: it starts when all its external inputs exist and its unit is free; its
// outputs exist only at its end; it lasts dispatch + copies of external inputs that live elsewhere
// (once per tensor and unit, paid by the first stage there that needs it) + its groups' costs.
#pragma once

#include <cstdint>
#include <vector>

#include "place/problem.hpp"

namespace hetsched::place {

// Stages in dispatch order.
struct Stages {
  std::vector<Index> unit;                  // per stage
  std::vector<std::vector<Index>> groups;   // per stage, ascending
};

struct Timing {
  std::vector<Time> start;
  std::vector<Time> end;
  Time makespan = 0;
};

// A schedule as a sequence, the form that local search changes. Groups are dealt in `order`; each
// joins the open (latest) stage of its unit unless it is marked as a break, or a predecessor's stage
// was opened after that stage. So every sequence is a valid schedule, and every valid schedule is a
// sequence.
struct Sequence {
  std::vector<Index> order;  // a topological order
  std::vector<Index> unit;   // per group
  std::vector<char> breaks;  // per group: starts a new stage
};

// Computes times of schedules; holds the buffers so that an evaluation allocates nothing.
class Evaluator {
 public:
  explicit Evaluator(const Problem& problem);

  // The makespan of a sequence, kNever where it breaks a limit of memory or of stages per unit.
  Time makespan(const Sequence& sequence);

  // The stages that a sequence forms.
  Stages stages(const Sequence& sequence);

  // Times of stages as given. Throws std::invalid_argument when a group is missing, double, on a unit
  // that can't run it, or when a stage comes before one that it reads from.
  Timing timing(const Stages& stages);

  // The sequence that forms exactly these stages.
  Sequence sequence(const Stages& stages) const;

 private:
  void form(const Sequence& sequence);
  bool within_limits(const Sequence& sequence) const;

  const Problem& problem_;
  Index count_ = 0;                 // stages formed
  std::vector<Index> stage_of_;     // per group
  std::vector<Index> stage_unit_;   // per stage
  std::vector<Index> open_;         // per unit: its latest stage
  std::vector<Index> slot_;         // groups by stage
  std::vector<Index> slot_start_;   // per stage
  std::vector<Index> stage_size_;   // per stage
  std::vector<Index> made_on_;      // per edge: unit, kNone before it is made
  std::vector<Time> made_at_;       // per edge
  std::vector<std::uint64_t> held_; // per edge: units that hold a copy
  std::vector<Time> free_;          // per unit
};

}  // namespace hetsched::place
