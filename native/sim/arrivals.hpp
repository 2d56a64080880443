// When an app's requests come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/model.hpp"
#include "sim/random.hpp"

namespace hetsched::sim {

// The process runs on a clock of its own that the load turns faster or slower: where the load is
// 2, what would take 2 ms takes 1.
class LoadClock {
 public:
  explicit LoadClock(const Arrivals& arrivals);
  // When the clock shows so much; kNever when it never does. Ascending questions only.
  Time at(double shown);
  // When it shows that much more than now; kNever when it never does.
  Time after(Time now, double amount) const;

 private:
  struct Piece {
    double start;  // ns
    double shown;
    double factor;
  };
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;
};

class ArrivalProcess {
 public:
  ArrivalProcess(const Arrivals& spec, std::uint64_t seed, AppId app);
  // The next arrival; kNever when there is none. Not for closed loops.
  Time next();
  // When a client that has got its answer asks again.
  Time again(Time now);

 private:
  double shown();
  double burst();

  Arrivals spec_;
  LoadClock clock_;
  Stream random_;
  Stream thinking_;
  std::int64_t count_ = 0;
  double shown_;
  double end_of_burst_;
};

}  // namespace hetsched::sim
