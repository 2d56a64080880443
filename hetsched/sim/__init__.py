"""A SoC and its workload in virtual time.

Enter apps with their stages' times and what these ask of links, memory and power (`SimApp`), and a
SoC (`SimSoc`); leave a `SimResult` and a trace. What runs next, and where, is decided by the
dispatcher that the runtime has; docs/simulator.md says what the world around it does.
"""

from hetsched.sim.arrivals import Arrivals, Bursty, Closed, Periodic, Poisson, Replay
from hetsched.sim.model import LinkUse, SimApp, StageWork, Trigger, Variation
from hetsched.sim.result import AppResult, NodeResult, Series, SimResult, UnitResult
from hetsched.sim.simulate import simulate
from hetsched.sim.soc import (
    HeatEdge,
    HeatNode,
    Level,
    SimLink,
    SimSoc,
    SimUnit,
    Thermal,
    ThermalZone,
)

__all__ = [
    "AppResult",
    "Arrivals",
    "Bursty",
    "Closed",
    "HeatEdge",
    "HeatNode",
    "Level",
    "LinkUse",
    "NodeResult",
    "Periodic",
    "Poisson",
    "Replay",
    "Series",
    "SimApp",
    "SimLink",
    "SimResult",
    "SimSoc",
    "SimUnit",
    "StageWork",
    "Thermal",
    "ThermalZone",
    "Trigger",
    "UnitResult",
    "Variation",
    "simulate",
]
