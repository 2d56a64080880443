"""hetsched: decides where every part of a neural network on a device runs, and runs it there.

Names below load their module on first use, so that `import hetsched` stays cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetsched.errors import HetschedError
    from hetsched.ir.load import load
    from hetsched.ir.model import Model
    from hetsched.plan.build import plan
    from hetsched.plan.files import load_plan
    from hetsched.plan.model import Plan
    from hetsched.runtime import Runtime, SyncRuntime, host_units, make_unit
    from hetsched.runtime.emulated import emulated_units
    from hetsched.runtime.units import units
    from hetsched.sim.outcome import simulate
    from hetsched.soc.catalog import profile
    from hetsched.soc.profile import Profile
    from hetsched.workload.files import load_workload
    from hetsched.workload.model import Workload

__version__ = "0.1.0"

__all__ = [
    "HetschedError",
    "Model",
    "Plan",
    "Profile",
    "Runtime",
    "SyncRuntime",
    "Workload",
    "__version__",
    "emulated_units",
    "host_units",
    "load",
    "load_plan",
    "load_workload",
    "make_unit",
    "plan",
    "profile",
    "simulate",
    "units",
]

_HOMES = {
    "HetschedError": "hetsched.errors",
    "Model": "hetsched.ir.model",
    "Plan": "hetsched.plan.model",
    "Profile": "hetsched.soc.profile",
    "Runtime": "hetsched.runtime",
    "SyncRuntime": "hetsched.runtime",
    "Workload": "hetsched.workload.model",
    "emulated_units": "hetsched.runtime.emulated",
    "host_units": "hetsched.runtime",
    "load": "hetsched.ir.load",
    "load_plan": "hetsched.plan.files",
    "load_workload": "hetsched.workload.files",
    "make_unit": "hetsched.runtime",
    "profile": "hetsched.soc.catalog",
    "simulate": "hetsched.sim.outcome",
    "units": "hetsched.runtime.units",
}


def __getattr__(name: str) -> Any:
    if name == "plan":  # the folder, which can be called; see there
        return importlib.import_module("hetsched.plan")
    if name not in _HOMES:
        raise AttributeError(f"module 'hetsched' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
