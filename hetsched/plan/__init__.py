"""From a model, a profile and costs to a plan, and from a plan to a file and back.

Enters: `ir.Model`, `soc.Profile`, `cost.CostTable`. Leaves: `plan.model.Plan` and its JSON file.

`hetsched.plan(model, profile)` is a function and `hetsched.plan` a folder. Importing any file of
the folder makes the name mean the folder, so the folder can be called, and does what the function
does.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetsched.plan.model import Plan


class _Callable(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> "Plan":
        """See `hetsched.plan.build.plan`."""
        from hetsched.plan.build import plan

        return plan(*args, **options)


sys.modules[__name__].__class__ = _Callable
