// What the runtime keeps natively, for Python.
#pragma once

#include <nanobind/nanobind.h>

void bind_runtime(nanobind::module_& m);
void bind_glance(nanobind::module_& m);
