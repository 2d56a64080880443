// Arrays looked at, in one call: are they what was promised?
#include <nanobind/nanobind.h>

#include <utility>
#include <vector>

#include "bind_runtime.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

struct Promise {
  nb::object name;
  nb::object dtype;  // numpy's own object
  nb::object shape;  // a tuple
};

class Glance {
 public:
  // Rows of (name, dtype, shape). What isn't of `kind` itself fits nothing.
  Glance(nb::handle kind, nb::list rows) : kind_(nb::borrow(kind)) {
    for (nb::handle row : rows) promises_.push_back({row[0], row[1], row[2]});
  }

  // Whether a dict has just the promised arrays, each in one piece.
  bool holds(nb::handle given) const {
    if (!PyDict_CheckExact(given.ptr())) return false;
    if (PyDict_Size(given.ptr()) != static_cast<Py_ssize_t>(promises_.size())) return false;
    for (const Promise& each : promises_) {
      const nb::handle value = PyDict_GetItemWithError(given.ptr(), each.name.ptr());
      if (!value.is_valid()) {
        if (PyErr_Occurred() != nullptr) throw nb::python_error();
        return false;
      }
      const nb::object held = nb::borrow(value);
      if (!fits(held, each)) return false;
      if (!held.attr("flags").attr("c_contiguous").is(nb::handle(Py_True))) return false;
    }
    return true;
  }

  // A list's arrays by name, or None when they aren't all that was promised.
  nb::object named(nb::handle made) const {
    if (!PyList_CheckExact(made.ptr())) return nb::none();
    if (PyList_Size(made.ptr()) != static_cast<Py_ssize_t>(promises_.size())) return nb::none();
    nb::dict found;
    for (std::size_t at = 0; at < promises_.size(); ++at) {
      const nb::object value = nb::borrow(PyList_GetItem(made.ptr(), static_cast<Py_ssize_t>(at)));
      if (!fits(value, promises_[at])) return nb::none();
      found[promises_[at].name] = value;
    }
    return found;
  }

 private:
  bool fits(const nb::object& value, const Promise& promise) const {
    return value.type().is(kind_) && value.attr("dtype").is(promise.dtype) &&
           nb::object(value.attr("shape")).equal(promise.shape);
  }

  nb::object kind_;
  std::vector<Promise> promises_;
};

}  // namespace

void bind_glance(nb::module_& m) {
  nb::class_<Glance>(m, "Glance")
      .def(nb::init<nb::handle, nb::list>(), "kind"_a, "rows"_a)
      .def("holds", &Glance::holds, "given"_a.none())
      .def("named", &Glance::named, "made"_a.none());
}
