// The dispatcher's words for Python, which the simulator speaks too.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/app.hpp"
#include "core/policy.hpp"

// A stage: the stages it waits for, (unit, ns)s.
using StageRow = std::pair<std::vector<hetsched::core::StageId>,
                           std::vector<std::pair<hetsched::core::Unit, hetsched::core::Time>>>;

// Throws std::invalid_argument for a `full` or `admission` that doesn't exist.
hetsched::core::AppSpec app_spec(const std::vector<StageRow>& stages, hetsched::core::Time deadline,
                                 std::int64_t priority, std::int64_t weight, std::int64_t capacity,
                                 int full, int admission, bool drops_late, std::int32_t turn);

// A policy written in Python; to be asked with the GIL held, and to outlive the policy made of it.
// One that raises, or names no candidate, gets the oldest request's.
class PythonChooser {
 public:
  explicit PythonChooser(nanobind::callable chooser) : chooser_(std::move(chooser)) {}
  PythonChooser(const PythonChooser&) = delete;
  PythonChooser& operator=(const PythonChooser&) = delete;

  std::unique_ptr<hetsched::core::Policy> policy();
  // What it did wrong first, or nothing; asked for once.
  std::string take_error() { return std::exchange(error_, {}); }

 private:
  std::size_t choose(hetsched::core::Unit unit, hetsched::core::Time now,
                     std::span<const hetsched::core::Candidate> candidates);
  void note(const std::string& what);

  nanobind::callable chooser_;
  std::string error_;
};

void bind_core(nanobind::module_& m);
