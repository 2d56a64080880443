"""Runs plans: a pure dispatcher decides, one worker thread per unit executes, asyncio waits.

Enter a `Plan` and the units of this machine; leave outputs and the time of every stage. Nothing
here knows what executes inside a backend; `dispatch` knows nothing of threads or time.
"""

from hetsched.dispatch import POLICIES, Candidate, RequestStatus, StaticOrder
from hetsched.runtime.app import App
from hetsched.runtime.faults import FaultEvent, Faults, UnitState, UnitStatus
from hetsched.runtime.host_stage import HostCall
from hetsched.runtime.result import Result, StageTime
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.state_stream import StateStream
from hetsched.runtime.sync import SyncRuntime
from hetsched.runtime.tally import Tally
from hetsched.runtime.units import RuntimeUnit, host_units, make_unit, map_units

__all__ = [
    "POLICIES",
    "App",
    "Candidate",
    "FaultEvent",
    "Faults",
    "HostCall",
    "RequestStatus",
    "Result",
    "Runtime",
    "RuntimeUnit",
    "StageTime",
    "StateStream",
    "StaticOrder",
    "SyncRuntime",
    "Tally",
    "UnitState",
    "UnitStatus",
    "host_units",
    "make_unit",
    "map_units",
]
