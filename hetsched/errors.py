"""Every error that hetsched raises on purpose: one root, one subclass per layer.

A message names the object (op, unit, file), the value seen and what would be accepted, in one line:
the command line prints it as it is and exits with 1.
"""


class HetschedError(Exception):
    """Root of all errors raised on purpose."""


class ModelError(HetschedError):
    """A model file can't be read, prepared or taken apart."""


class ZooError(HetschedError):
    """A zoo model is unknown, can't be fetched, or isn't what was pinned."""


class ProfileError(HetschedError):
    """A SoC profile is unknown or its file is wrong."""


class CapabilityError(HetschedError):
    """A framework or backend is unknown, or a capability table is wrong."""


class ExportError(HetschedError):
    """A model can't be written for a target, or a tool that this takes is missing or failed."""


class CostError(HetschedError):
    """A cost is missing, or the cost store can't be used."""


class PlacementError(HetschedError):
    """No valid placement exists, or a placement breaks a rule of the problem."""


class InfeasibleError(PlacementError):
    """The problem has no placement at all: the model, the units and the limits don't fit."""


class PlanError(HetschedError):
    """A plan file is wrong or doesn't belong to this model or profile."""


class BackendError(HetschedError):
    """A backend can't compile or run a stage."""


class UnitDownError(BackendError):
    """A unit is gone in the midst of its work: its process died, or its device was lost.

    What it was doing has no answer. The stage may be run elsewhere, and on this unit again once
    its backend's `revive()` has brought it back.

    Attributes:
        unit: name of the unit that is gone, where the backend knows it: it needn't be the one that
            was running a stage, but may be one whose values that stage was about to read.
    """

    def __init__(self, message: str, *, unit: str | None = None) -> None:
        """Say what happened, and to which unit."""
        super().__init__(message)
        self.unit = unit


class ValueLostError(BackendError):
    """A value between two stages is gone with the unit that made it: the request starts anew."""


class RunError(HetschedError):
    """A plan can't be run: its inputs, its mapping to backends, or its numbers are wrong."""


class DroppedError(RunError):
    """A request was dropped: too late for its deadline, or no room in its app's queue."""


class TraceError(HetschedError):
    """A trace's file is wrong, or can't be read or written."""


class WorkloadError(HetschedError):
    """A workload file is wrong, or what it asks for can't be done on this SoC."""


class SimError(HetschedError):
    """A workload can't be simulated: its numbers, its cascades, or the memory that it takes."""


class OutputExistsError(HetschedError):
    """An output file exists and `--force` wasn't given."""
