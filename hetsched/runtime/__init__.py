"""Runs plans: a pure dispatcher decides, one worker thread per unit executes, asyncio waits.

Enter a `Plan` and the units of this machine; leave outputs and the time of every stage. Nothing
here knows what executes inside a backend; `dispatch` knows nothing of threads or time.
"""

from hetsched.runtime.request import Result, StageTime
from hetsched.runtime.runtime import App, Runtime
from hetsched.runtime.units import RuntimeUnit, host_units, map_units

__all__ = ["App", "Result", "Runtime", "RuntimeUnit", "StageTime", "host_units", "map_units"]
