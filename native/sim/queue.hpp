// What is to come, the earliest first: arrivals, and the ends of callers' patience.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <tuple>
#include <vector>

#include "sim/model.hpp"

namespace hetsched::sim {

struct Arrival {
  enum class Source : std::int32_t { kProcess, kClient, kTriggered };
  Time time;
  AppId app;
  Source source = Source::kProcess;
  std::int64_t serial = 0;
  Time deadline = -1;  // absolute; negative: the app's own
  Time origin = -1;    // negative: this arrival is one

  bool operator>(const Arrival& other) const {
    return std::tie(time, app, serial) > std::tie(other.time, other.app, other.serial);
  }
};

class ArrivalQueue {
 public:
  bool empty() const { return heap_.empty(); }
  Time first() const { return heap_.empty() ? kNever : heap_.front().time; }

  void push(Arrival arrival) {
    arrival.serial = serial_++;
    heap_.push_back(arrival);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
  }
  Arrival pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
    const Arrival arrival = heap_.back();
    heap_.pop_back();
    return arrival;
  }

 private:
  std::vector<Arrival> heap_;
  std::int64_t serial_ = 0;
};

// A request that is cancelled if it is still there.
struct Timeout {
  Time time;
  std::int64_t number;  // of the request
  RequestId request;

  bool operator>(const Timeout& other) const {
    return std::tie(time, number) > std::tie(other.time, other.number);
  }
};

class TimeoutQueue {
 public:
  Time first() const { return heap_.empty() ? kNever : heap_.front().time; }

  void push(Timeout timeout) {
    heap_.push_back(timeout);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
  }
  Timeout pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
    const Timeout timeout = heap_.back();
    heap_.pop_back();
    return timeout;
  }
  // Requests that have ended leave theirs behind: the first one is of one that hasn't.
  template <typename IsLive>
  void forget(IsLive is_live) {
    while (!heap_.empty() && !is_live(heap_.front())) pop();
  }

 private:
  std::vector<Timeout> heap_;
};

}  // namespace hetsched::sim
