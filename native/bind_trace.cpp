// The recorder of events for Python.
#include "bind_trace.hpp"

#include <nanobind/stl/pair.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "trace/recorder.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace ht = hetsched::trace;

namespace {

void at(ht::Recorder& self, std::int64_t time, std::int16_t kind, std::int16_t unit,
        std::int32_t app, std::int64_t request, std::int32_t stage, std::int64_t value) {
  self.record({time, request, value, kind, unit, app, stage});
}

// Python's perf_counter_ns is the same clock.
std::int64_t clock_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void now(ht::Recorder& self, std::int16_t kind, std::int16_t unit, std::int32_t app,
         std::int64_t request, std::int32_t stage, std::int64_t value) {
  at(self, clock_ns(), kind, unit, app, request, stage, value);
}

std::pair<nb::bytes, std::uint64_t> drain(ht::Recorder& self) {
  const std::size_t most = self.capacity();
  const auto events = std::make_unique_for_overwrite<ht::Event[]>(most);
  const std::size_t count = self.drain(events.get(), most);
  return {nb::bytes(events.get(), count * sizeof(ht::Event)), self.take_lost()};
}

}  // namespace

void bind_trace(nb::module_& m) {
  nb::class_<ht::Recorder>(m, "Recorder")
      .def(nb::init<std::size_t>(), "capacity"_a)
      .def("at", &at, "time_ns"_a, "kind"_a, "unit"_a, "app"_a, "request"_a, "stage"_a, "value"_a)
      .def("now", &now, "kind"_a, "unit"_a, "app"_a, "request"_a, "stage"_a, "value"_a)
      .def("drain", &drain);
}
