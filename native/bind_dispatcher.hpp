// The dispatcher as Python holds it.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bind_core.hpp"
#include "core/dispatcher.hpp"
#include "core/policy.hpp"

// Who calls it holds the GIL; a policy written in Python may let go of it, so what comes in
// meanwhile is refused.
class BoundDispatcher {
 public:
  using Unit = hetsched::core::Unit;

  BoundDispatcher(Unit units, const std::string& policy)
      : core_(units, hetsched::core::make_policy(policy, units)) {}
  BoundDispatcher(Unit units, std::vector<std::int32_t> order)
      : core_(units, hetsched::core::make_static(std::move(order), units)) {}
  BoundDispatcher(Unit units, nanobind::callable chooser)
      : chooser_(std::make_unique<PythonChooser>(std::move(chooser))),
        core_(units, chooser_->policy()) {}
  BoundDispatcher(const BoundDispatcher&) = delete;
  BoundDispatcher& operator=(const BoundDispatcher&) = delete;

  template <typename Event>
  auto handle(Event event) {
    const Inside inside(*this);
    return event(core_);
  }

  const hetsched::core::Dispatcher& core() const { return core_; }

  // What the policy written in Python did wrong first, or nothing; asked for once.
  std::string take_error() { return chooser_ ? chooser_->take_error() : std::string(); }

 private:
  struct Inside {
    explicit Inside(BoundDispatcher& of) : bound(of) {
      if (bound.inside_) throw std::runtime_error("the dispatcher is in the middle of an event");
      bound.inside_ = true;
    }
    ~Inside() { bound.inside_ = false; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    BoundDispatcher& bound;
  };

  std::unique_ptr<PythonChooser> chooser_;
  bool inside_ = false;
  hetsched::core::Dispatcher core_;
};

// Actions as rows of four integers; hetsched/dispatch.py says what they mean.
nanobind::list rows(hetsched::core::Dispatcher::Actions actions);
