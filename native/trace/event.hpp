// One event of a trace: 40 bytes, little-endian; hetsched/trace/events.py says what each field means.
#pragma once

#include <bit>
#include <cstdint>

namespace hetsched::trace {

struct Event {
  std::int64_t time = 0;  // ns
  std::int64_t request = -1;
  std::int64_t value = -1;
  std::int16_t kind = 0;
  std::int16_t unit = -1;
  std::int32_t app = -1;
  std::int32_t stage = -1;
  std::int32_t pad = 0;
};

static_assert(sizeof(Event) == 40);
static_assert(std::endian::native == std::endian::little);

}  // namespace hetsched::trace
