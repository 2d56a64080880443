// The recorder of events for Python.
#include "bind_trace.hpp"

#include <nanobind/stl/pair.h>

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

// Two events at the price of one call from Python.
void ran(ht::Recorder& self, std::int64_t start, std::int64_t end, std::int16_t unit,
         std::int32_t app, std::int64_t request, std::int32_t stage) {
  constexpr std::int16_t kStarted = 1;
  constexpr std::int16_t kEnded = 2;
  self.record({start, request, -1, kStarted, unit, app, stage});
  self.record({end, request, -1, kEnded, unit, app, stage});
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
      .def("ran", &ran, "start_ns"_a, "end_ns"_a, "unit"_a, "app"_a, "request"_a, "stage"_a)
      .def("drain", &drain);
}
