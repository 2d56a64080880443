#include "core/policy.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace hetsched::core {
namespace {

constexpr Time kLongest = Time{1} << 50;  // of a turn, so that thousands of them don't overflow

// One whose order is known when a stage becomes ready.
class Keyed : public Policy {
 public:
  void started(const Candidate&, std::int64_t) override {}
  std::size_t choose(Unit, Time, std::span<const Candidate>) override { return 0; }
  void app_added(AppId) override {}
};

// The oldest request first.
class Fifo final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override { return candidate.request; }
};

// The highest priority first.
class Priority final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override { return -candidate.priority; }
};

// The earliest deadline first.
class Edf final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override { return candidate.deadline; }
};

// Slack = deadline - now - rest. All slacks shrink alike while stages wait, so now cancels out.
class LeastSlack final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override {
    return candidate.deadline == kNever ? kNever : candidate.deadline - candidate.rest;
  }
};

// The request first that can be through soonest: least remaining work.
class Shortest final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override { return candidate.rest; }
};

// The highest upward rank first, among requests that came together; one that came earlier by t
// counts as of a rank higher by t, so that nothing starves in a stream of requests.
// Source: Topcuoglu, Hariri, Wu 2002, "Performance-effective and low-complexity task scheduling for
// heterogeneous computing", for the rank.
class Heft final : public Keyed {
 public:
  std::int64_t key(const Candidate& candidate) override { return candidate.arrival - candidate.rank; }
};

// Start-time fair queueing: each app gets a unit's time by weight, whatever others ask for.
// Source: Goyal, Vin, Cheng 1996, "Start-time fair queueing".
class WeightedFair final : public Keyed {
 public:
  explicit WeightedFair(Unit units)
      : units_(static_cast<std::size_t>(units)), clock_(units_, 0) {}

  std::int64_t key(const Candidate& candidate) override {
    Time& end = end_of(candidate);
    const Time start = std::max(end, clock_[static_cast<std::size_t>(candidate.unit)]);
    end = start + std::min(candidate.duration * 1000 / candidate.weight, kLongest) + 1;
    return start;
  }
  void started(const Candidate& candidate, std::int64_t key) override {
    Time& clock = clock_[static_cast<std::size_t>(candidate.unit)];
    clock = std::max(clock, key);
  }
  void app_added(AppId app) override {
    ends_.resize(std::max(ends_.size(), (static_cast<std::size_t>(app) + 1) * units_), 0);
  }

 private:
  Time& end_of(const Candidate& candidate) {
    return ends_[static_cast<std::size_t>(candidate.app) * units_ +
                 static_cast<std::size_t>(candidate.unit)];
  }

  std::size_t units_;
  std::vector<Time> clock_;  // per unit: start tag of what started last
  std::vector<Time> ends_;   // per app and unit: when its turn after the queued ones is due
};

class Static final : public Policy {
 public:
  Static(std::vector<std::int32_t> order, Unit units)
      : order_(std::move(order)), turn_(static_cast<std::size_t>(units), 0) {
    if (order_.empty()) throw std::invalid_argument("a static order names one app at least");
    for (const std::int32_t turn : order_) {
      if (turn < 0) throw std::invalid_argument("a static order names apps by number, from 0");
    }
  }
  bool is_asked() const override { return true; }
  std::int64_t key(const Candidate& candidate) override { return candidate.request; }
  void started(const Candidate& candidate, std::int64_t) override {
    std::size_t& turn = turn_[static_cast<std::size_t>(candidate.unit)];
    const std::size_t steps = distance(turn, candidate.turn);
    if (steps < order_.size()) turn = (turn + steps + 1) % order_.size();
  }
  std::size_t choose(Unit unit, Time, std::span<const Candidate> candidates) override {
    const std::size_t turn = turn_[static_cast<std::size_t>(unit)];
    std::size_t best = 0;
    Order least = order(turn, candidates[0]);
    for (std::size_t i = 1; i < candidates.size(); ++i) {
      const Order other = order(turn, candidates[i]);
      if (other < least) {
        least = other;
        best = i;
      }
    }
    return best;
  }
  void app_added(AppId) override {}

 private:
  using Order = std::array<std::int64_t, 3>;
  Order order(std::size_t turn, const Candidate& candidate) const {
    return {static_cast<std::int64_t>(distance(turn, candidate.turn)), candidate.request,
            candidate.stage};
  }
  // Steps from the present turn to the app's next; the cycle's length when it has none.
  std::size_t distance(std::size_t turn, std::int32_t app) const {
    for (std::size_t steps = 0; steps < order_.size(); ++steps) {
      if (order_[(turn + steps) % order_.size()] == app) return steps;
    }
    return order_.size();
  }

  std::vector<std::int32_t> order_;
  std::vector<std::size_t> turn_;  // per unit
};

class Chosen final : public Policy {
 public:
  explicit Chosen(Chooser chooser) : chooser_(std::move(chooser)) {}
  bool is_asked() const override { return true; }
  bool wants_oldest_first() const override { return true; }
  std::int64_t key(const Candidate& candidate) override { return candidate.request; }
  void started(const Candidate&, std::int64_t) override {}
  std::size_t choose(Unit unit, Time now, std::span<const Candidate> candidates) override {
    return chooser_(unit, now, candidates);
  }
  void app_added(AppId) override {}

 private:
  Chooser chooser_;
};

}  // namespace

std::unique_ptr<Policy> make_policy(const std::string& name, Unit units) {
  if (name == "fifo") return std::make_unique<Fifo>();
  if (name == "priority") return std::make_unique<Priority>();
  if (name == "edf") return std::make_unique<Edf>();
  if (name == "least-slack") return std::make_unique<LeastSlack>();
  if (name == "weighted-fair") return std::make_unique<WeightedFair>(units);
  if (name == "shortest-expected-latency") return std::make_unique<Shortest>();
  if (name == "heft") return std::make_unique<Heft>();
  throw std::invalid_argument("there is no policy '" + name +
                              "': take fifo, priority, edf, least-slack, weighted-fair, "
                              "shortest-expected-latency, heft or static");
}

std::unique_ptr<Policy> make_static(std::vector<std::int32_t> order, Unit units) {
  return std::make_unique<Static>(std::move(order), units);
}

std::unique_ptr<Policy> make_chosen(Chooser chooser) {
  return std::make_unique<Chosen>(std::move(chooser));
}

}  // namespace hetsched::core
