// The runtime's counts, and its desk: what a usual request needs under the lock, in two calls.
#include "bind_runtime.hpp"

#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "bind_dispatcher.hpp"
#include "runtime/histogram.hpp"
#include "runtime/learned.hpp"
#include "runtime/tally.hpp"
#include "trace/recorder.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace hc = hetsched::core;
namespace hr = hetsched::runtime;
namespace ht = hetsched::trace;

namespace {

// Python's time.perf_counter_ns.
hc::Time clock_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

// Learns, and tells who decides: a function of stage, unit and ns.
class Learner {
 public:
  explicit Learner(nb::callable told) : told_(std::move(told)) {}

  void add(hc::StageId stage, hc::Unit unit, hc::Time took) {
    if (const auto told = learned_.add(stage, unit, took)) told_(stage, unit, *told);
  }
  void dropped() {
    for (const auto& [place, told] : learned_.dropped()) told_(place.first, place.second, told);
  }
  nb::object average_ns(hc::StageId stage, hc::Unit unit) const {
    const auto found = learned_.averages().find({stage, unit});
    return found == learned_.averages().end() ? nb::none() : nb::cast(found->second.average());
  }
  nb::dict places() const {
    nb::dict found;
    for (const auto& [place, average] : learned_.averages()) {
      found[nb::make_tuple(place.first, place.second)] =
          nb::make_tuple(average.average(), average.runs(), nb::tuple(nb::cast(average.times())));
    }
    return found;
  }

 private:
  hr::Learned learned_;
  nb::callable told_;
};

// Where an app's requests are counted, and what its stages took.
struct Account {
  Account(hc::AppId of, hc::Time within, nb::object counts, nb::object learns,
          std::vector<hc::Time> known)
      : app(of),
        deadline(within),
        longest(std::move(known)),
        tally(nb::cast<hr::Tally&>(counts)),
        learner(learns.is_none() ? nullptr : &nb::cast<Learner&>(learns)),
        held(nb::make_tuple(counts, learns)) {}

  hc::Time longest_ns(std::size_t stage) const { return longest.at(stage); }

  hc::AppId app;
  hc::Time deadline;  // -1 for none; for the trace
  std::vector<hc::Time> longest;  // per stage, the longest that it is known to have taken
  bool is_retired = false;
  hr::Tally& tally;
  Learner* learner;
  nb::object held;  // what the two above belong to
};

// Shares its dispatcher, its requests by number and what each unit runs with the engine, and is
// called under the engine's lock.
class Desk {
 public:
  Desk(nb::object dispatcher, nb::dict requests, nb::list awaited, nb::list meters,
       nb::tuple statuses)
      : dispatcher_(nb::cast<BoundDispatcher&>(dispatcher)),
        requests_(std::move(requests)),
        awaited_(std::move(awaited)),
        statuses_(std::move(statuses)),
        held_(nb::make_tuple(dispatcher, meters)) {
    for (nb::handle each : meters) meters_.push_back(&nb::cast<hr::Meter&>(each));
  }

  // A request comes. The stage of its own to start when that is all there is to do, else actions.
  nb::object begin(nb::handle request, Account& account, hc::Time deadline) {
    ++account.tally.requests;
    const hc::Time submitted = nb::cast<hc::Time>(request.attr("submitted_ns"));
    hc::Action start{};
    nb::object more;
    hc::RequestId number = -1;
    dispatcher_.handle([&](hc::Dispatcher& core) {
      number = core.submit(clock_ns(), account.app, deadline);
      const auto actions = core.actions();
      if (is_plain && actions.size() == 1 && starts(actions[0], number)) {
        start = actions[0];
      } else {
        more = rows(actions);
      }
    });
    const nb::object id = nb::cast(number);
    request.attr("number") = id;
    requests_[id] = request;
    if (recorder_ != nullptr) {
      const hc::Time within = deadline >= 0 ? deadline : account.deadline;
      recorder_->record({submitted, number, within, kSubmitted, -1, account.app});
    }
    return more.is_valid() ? more : await(start, request);
  }

  // A stage of a request has run. What its unit is to run next, or None, when that and the end of
  // the request in its time or late are all there is to do; else actions.
  nb::object end(nb::tuple task, Account& account, hc::Time began, hc::Time ended) {
    const auto unit = nb::cast<hc::Unit>(task[0]);
    const nb::object request = task[1];
    const auto stage = nb::cast<hc::StageId>(task[2]);
    const nb::object id = request.attr("number");
    const auto number = nb::cast<hc::RequestId>(id);
    const bool is_usual = is_plain && !nb::cast<bool>(request.attr("is_lost"));
    count(account, unit, stage, number, began, ended);
    awaited_[static_cast<std::size_t>(unit)] = nb::none();

    Few few;
    nb::object more;
    dispatcher_.handle([&](hc::Dispatcher& core) {
      const auto actions = core.stage_done(clock_ns(), unit, number, stage);
      if (!is_usual || !few.holds(actions, number)) more = rows(actions);
    });
    if (more.is_valid()) return more;
    if (few.has_end) finish(request, id, account, few.status);
    if (!few.has_start) return nb::none();
    const nb::object next = requests_[nb::cast(few.start.request)];
    return await(few.start, next);
  }

  nb::object recorder() const { return recorder_held_; }
  void set_recorder(nb::object recorder) {
    recorder_ = recorder.is_none() ? nullptr : &nb::cast<ht::Recorder&>(recorder);
    recorder_held_ = std::move(recorder);
  }

  bool is_plain = false;  // nothing but the dispatcher needs to be asked

 private:
  static constexpr std::int16_t kSubmitted = 0;  // Kind in hetsched/trace/events.py
  static constexpr std::int16_t kStarted = 1;
  static constexpr std::int16_t kEnded = 2;
  static constexpr std::int16_t kFinished = 3;

  static bool starts(const hc::Action& action, hc::RequestId request) {
    return action.kind == hc::Action::Kind::kStart && action.request == request;
  }

  // At most one start, and the end of the request itself as one that has run.
  struct Few {
    bool has_start = false;
    bool has_end = false;
    hc::Action start{};
    hc::Status status{};

    bool holds(hc::Dispatcher::Actions actions, hc::RequestId request) {
      for (const hc::Action& each : actions) {
        if (each.kind == hc::Action::Kind::kStart && !has_start) {
          has_start = true;
          start = each;
        } else if (each.kind == hc::Action::Kind::kFinish && each.request == request &&
                   (each.status == hc::Status::kCompleted || each.status == hc::Status::kMissed)) {
          has_end = true;
          status = each.status;
        } else {
          return false;
        }
      }
      return true;
    }
  };

  nb::object await(const hc::Action& start, nb::handle request) {
    const nb::tuple task = nb::make_tuple(start.unit, request, start.stage);
    awaited_[static_cast<std::size_t>(start.unit)] = task;
    return task;
  }

  void count(Account& account, hc::Unit unit, hc::StageId stage, hc::RequestId number,
             hc::Time began, hc::Time ended) {
    const hc::Time took = ended - began;
    hr::Meter& meter = *meters_.at(static_cast<std::size_t>(unit));
    meter.busy += took;
    ++meter.stages;
    if (recorder_ != nullptr) {
      const auto where = static_cast<std::int16_t>(unit);
      recorder_->record({began, number, -1, kStarted, where, account.app, stage});
      recorder_->record({ended, number, -1, kEnded, where, account.app, stage});
    }
    hc::Time& longest = account.longest.at(static_cast<std::size_t>(stage));
    if (took > longest) longest = took;
    if (account.learner != nullptr && !account.is_retired) account.learner->add(stage, unit, took);
  }

  void finish(nb::handle request, nb::handle id, Account& account, hc::Status status) {
    const hc::Time now = clock_ns();
    const auto which = static_cast<std::int32_t>(status);
    account.tally.count(status, now - nb::cast<hc::Time>(request.attr("submitted_ns")));
    if (recorder_ != nullptr) {
      recorder_->record({now, nb::cast<hc::RequestId>(id), which, kFinished, -1, account.app});
    }
    if (PyDict_DelItem(requests_.ptr(), id.ptr()) != 0) throw nb::python_error();
    request.attr("finished_ns") = now;
    request.attr("status") = statuses_[static_cast<std::size_t>(which)];
  }

  BoundDispatcher& dispatcher_;
  nb::dict requests_;
  nb::list awaited_;
  nb::tuple statuses_;
  std::vector<hr::Meter*> meters_;
  ht::Recorder* recorder_ = nullptr;
  nb::object recorder_held_ = nb::none();
  nb::object held_;  // what `dispatcher_` and `meters_` belong to
};

void bind_counts(nb::module_& m) {
  nb::class_<hr::Histogram>(m, "Histogram")
      .def(nb::init<>())
      .def("add", &hr::Histogram::add, "value_ns"_a)
      .def_prop_ro("total_ns",
                   [](const hr::Histogram& self) {
                     const nb::object high = nb::int_(self.total_high()) << nb::int_(64);
                     return high | nb::int_(self.total_low());
                   })
      .def("rows", [](const hr::Histogram& self) {
        std::vector<std::tuple<std::size_t, std::int64_t>> found;
        for (std::size_t b = 0; b < self.counts().size(); ++b) {
          if (self.counts()[b] != 0) found.emplace_back(b, self.counts()[b]);
        }
        return found;
      });
  nb::class_<hr::Tally> tally(m, "Tally");
  tally.def(nb::init<>())
      .def_rw("requests", &hr::Tally::requests)
      .def_ro("latency", &hr::Tally::latency)
      .def(
          "count",
          [](hr::Tally& self, std::int32_t status, hc::Time latency) {
            if (status < 0 || status > 4) throw std::invalid_argument("a status is from 0 to 4");
            self.count(static_cast<hc::Status>(status), latency);
          },
          "status"_a, "latency_ns"_a)
      .def_prop_ro("ended", [](const hr::Tally& self) {
        const auto& e = self.ended;
        return nb::make_tuple(e[0], e[1], e[2], e[3], e[4]);
      });
  nb::class_<hr::Meter>(m, "Meter")
      .def(nb::init<>())
      .def_ro("busy_ns", &hr::Meter::busy)
      .def_ro("stages", &hr::Meter::stages)
      .def_rw("failures", &hr::Meter::failures);
}

}  // namespace

void bind_runtime(nb::module_& m) {
  bind_counts(m);
  nb::class_<Learner>(m, "Learned")
      .def(nb::init<nb::callable>(), "told"_a)
      .def("add", &Learner::add, "stage"_a, "unit"_a, "took_ns"_a)
      .def("dropped", &Learner::dropped)
      .def("average_ns", &Learner::average_ns, "stage"_a, "unit"_a)
      .def("places", &Learner::places);
  nb::class_<Account>(m, "Account")
      .def(nb::init<hc::AppId, hc::Time, nb::object, nb::object, std::vector<hc::Time>>(), "app"_a,
           "deadline_ns"_a, "tally"_a, "learned"_a.none(), "longest_ns"_a)
      .def_rw("is_retired", &Account::is_retired)
      .def("longest_ns", &Account::longest_ns, "stage"_a);
  nb::class_<Desk>(m, "Desk")
      .def(nb::init<nb::object, nb::dict, nb::list, nb::list, nb::tuple>(), "dispatcher"_a,
           "requests"_a, "awaited"_a, "meters"_a, "statuses"_a)
      .def("begin", &Desk::begin, "request"_a, "account"_a, "deadline_ns"_a)
      .def("end", &Desk::end, "task"_a, "account"_a, "start_ns"_a, "end_ns"_a)
      .def_rw("is_plain", &Desk::is_plain)
      .def_prop_rw("recorder", &Desk::recorder, &Desk::set_recorder, "recorder"_a.none());
}
