// What the native core promises to several threads, driven by real ones for the thread sanitizer.
//
//   threads          every check; exit code 1 and a line when an answer is wrong
//   threads --racy   the dispatcher without its lock: a sanitizer that says nothing is broken
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "core/dispatcher.hpp"
#include "place/parallel.hpp"
#include "trace/recorder.hpp"

namespace {

namespace hc = hetsched::core;
namespace ht = hetsched::trace;

void check(bool is_right, const char* what) {
  if (is_right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}

// ---- one dispatcher, driven as the runtime's engine does: under one lock, from every thread

constexpr hc::Unit kUnits = 3;
constexpr int kSubmitters = 2;
constexpr int kRequests = 2000;  // of each submitter
constexpr int kStages = 3;

// Holds the lock it is given, or none where a race is wanted.
class Held {
 public:
  explicit Held(std::mutex* guard) : guard_(guard) {
    if (guard_) guard_->lock();
  }
  ~Held() {
    if (guard_) guard_->unlock();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  std::mutex* guard_;
};

hc::AppSpec fork_and_join() {
  const auto stage = [](hc::Unit planned, std::vector<hc::StageId> after) {
    return hc::StageSpec{{{planned, 10}, {(planned + 1) % kUnits, 12}}, std::move(after)};
  };
  hc::AppSpec spec;
  spec.stages = {stage(0, {}), stage(1, {0}), stage(2, {0, 1})};
  return spec;
}

class Engine {
 public:
  Engine() : core_(kUnits, hc::make_policy("fifo", kUnits)), app_(core_.deploy(fork_and_join())) {}

  void work(hc::Unit unit) {
    Task task;
    while (await(unit, task)) {
      run(task);
      const Held held(&lock_);
      follow(core_.stage_done(++now_, unit, task.request, task.stage));
    }
  }

  void submit() {
    for (int i = 0; i < kRequests; ++i) {
      const Held held(&lock_);
      const hc::RequestId id = core_.submit(++now_, app_);
      values_.emplace(id, std::make_unique<Values>());
      follow(core_.actions());
      if (i % 7 == 0) follow(core_.cancel(++now_, id));
    }
  }

  bool is_over() const { return core_.is_idle() && ended_ == kSubmitters * kRequests; }

 private:
  using Values = std::array<std::int64_t, kStages>;  // what a request's stages made
  struct Task {
    hc::RequestId request = -1;
    hc::StageId stage = -1;
    Values* values = nullptr;
  };

  // Without the lock: a stage reads what earlier ones made, on whichever thread they ran.
  static void run(const Task& task) {
    Values& values = *task.values;
    const auto at = static_cast<std::size_t>(task.stage);
    values[at] = at == 0 ? 1 : values[at - 1] + 1;
    check(values[at] == task.stage + 1, "a stage started before its inputs were there");
  }

  bool await(hc::Unit unit, Task& task) {
    std::unique_lock held(lock_);
    std::deque<Task>& mail = mail_[static_cast<std::size_t>(unit)];
    changed_.wait(held, [&] { return !mail.empty() || is_over(); });
    if (mail.empty()) return false;
    task = mail.front();
    mail.pop_front();
    return true;
  }

  void follow(hc::Dispatcher::Actions actions) {
    for (const hc::Action& action : actions) {
      if (action.kind == hc::Action::Kind::kFinish) ++ended_;
      if (action.kind != hc::Action::Kind::kStart) continue;
      mail_[static_cast<std::size_t>(action.unit)].push_back(
          {action.request, action.stage, values_.at(action.request).get()});
    }
    changed_.notify_all();
  }

  std::mutex lock_;
  std::condition_variable changed_;
  hc::Dispatcher core_;
  hc::AppId app_;
  hc::Time now_ = 0;
  int ended_ = 0;
  std::map<hc::RequestId, std::unique_ptr<Values>> values_;
  std::array<std::deque<Task>, kUnits> mail_;
};

void dispatcher_under_a_lock() {
  Engine engine;
  {
    std::vector<std::jthread> threads;
    for (hc::Unit unit = 0; unit < kUnits; ++unit) {
      threads.emplace_back([&engine, unit] { engine.work(unit); });
    }
    for (int i = 0; i < kSubmitters; ++i) threads.emplace_back([&engine] { engine.submit(); });
  }
  check(engine.is_over(), "a request has no end");
}

// Two threads look and change: enough for the sanitizer, too little to break the heap.
void dispatcher_without_a_lock() {
  hc::Dispatcher core(kUnits, hc::make_policy("fifo", kUnits));
  const hc::AppId app = core.deploy(fork_and_join());
  const std::jthread looks([&core] { check(core.live() <= 1, "one request came"); });
  core.submit(1, app);
}

// ---- the recorder: many write, one drains, nobody locks

void recorder_from_many_threads() {
  constexpr int kWriters = 3;
  constexpr std::int64_t kEvents = 20'000;
  ht::Recorder recorder(256);
  std::atomic<int> writing{kWriters};
  std::array<std::int64_t, kWriters> latest;
  latest.fill(-1);
  std::int64_t read = 0;
  std::vector<std::jthread> writers;
  for (std::int16_t unit = 0; unit < kWriters; ++unit) {
    writers.emplace_back([&, unit] {
      for (std::int64_t i = 0; i < kEvents; ++i) recorder.record({.time = i, .unit = unit});
      --writing;
    });
  }
  std::array<ht::Event, 64> events;
  for (bool is_last = false; !is_last;) {
    is_last = writing == 0;
    while (const std::size_t count = recorder.drain(events.data(), events.size())) {
      for (const ht::Event& event : std::span(events).first(count)) {
        std::int64_t& before = latest[static_cast<std::size_t>(event.unit)];
        check(event.time > before, "a thread's events are out of order");
        before = event.time;
        ++read;
      }
    }
  }
  const auto lost = static_cast<std::int64_t>(recorder.take_lost());
  check(read + lost == kWriters * kEvents, "events are neither there nor counted as lost");
}

// ---- the loop of the searches

void loop_on_several_threads() {
  std::vector<int> done(5000);
  hetsched::place::for_each_index(done.size(), 4, [&](std::size_t i) { ++done[i]; });
  check(std::ranges::all_of(done, [](int times) { return times == 1; }), "each index comes once");
  try {
    hetsched::place::for_each_index(done.size(), 4, [](std::size_t) { throw std::bad_alloc(); });
    check(false, "an exception got lost");
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

int main(int count, char** words) {
  if (count == 2 && std::string_view(words[1]) == "--racy") {
    dispatcher_without_a_lock();
    return 0;
  }
  dispatcher_under_a_lock();
  recorder_from_many_threads();
  loop_on_several_threads();
  std::puts("dispatcher, recorder, loop: right");
  return 0;
}
