"""What happened, as ordered typed events: the same records from a run and from a simulation.

Enter a runtime's or a simulator's events; leave a `Trace`, its file, and what the events say of
each request. Nothing here knows who made them.
"""

from hetsched.trace.events import EVENT, Kind
from hetsched.trace.files import load_trace, save_trace
from hetsched.trace.model import Trace, TraceApp, TraceHeader, TraceUnit

__all__ = [
    "EVENT",
    "Kind",
    "Trace",
    "TraceApp",
    "TraceHeader",
    "TraceUnit",
    "load_trace",
    "save_trace",
]
