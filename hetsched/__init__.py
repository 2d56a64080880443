"""hetsched: decides where every part of a neural network on a device runs, and runs it there.

Names below load their module on first use, so that `import hetsched` stays cheap.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "HetschedError": "hetsched.errors",
    "Model": "hetsched.ir.model",
    "Plan": "hetsched.plan.model",
    "Profile": "hetsched.soc.profile",
    "Runtime": "hetsched.runtime",
    "host_units": "hetsched.runtime",
    "load": "hetsched.ir.load",
    "load_plan": "hetsched.plan.files",
    "plan": "hetsched.plan.build",
    "profile": "hetsched.soc.catalog",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hetsched' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
