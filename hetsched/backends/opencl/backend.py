"""The backend over an OpenCL device."""

from collections.abc import Mapping, Sequence
from weakref import WeakSet, WeakValueDictionary

from hetsched.backends.base import Executable, Probe, StageSpec
from hetsched.backends.opencl import device as devices
from hetsched.backends.opencl.buffers import Stored
from hetsched.backends.opencl.context import DeviceContext
from hetsched.backends.opencl.kernels.table import reason
from hetsched.backends.opencl.lowering import LoweredStage, lower_stage
from hetsched.backends.opencl.placed import PlacedStage
from hetsched.backends.opencl.stage import OpenCLExecutable
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError
from hetsched.ir.graph import Graph, Op
from hetsched.ir.model import Model


class _Constants(WeakValueDictionary[tuple[str, str], Stored]):
    """Constants in one context, by model and name, as long as a stage there reads them."""


class OpenCLBackend:
    """Runs stages on an OpenCL device, in float32.

    Values that go from one of its stages to the next stay on the device. Weights are there once,
    however many stages and apps read them.

    Attributes:
        name: `opencl`.
        arithmetic: what it computes in.
        device: the one that it runs on.
    """

    name = devices.NAME
    arithmetic = devices.ARITHMETIC

    def __init__(self, device: str | int | None = None) -> None:
        """Open a device.

        Args:
            device: part of its name or platform, or its number; by default the first GPU, else
                the first device.

        Raises:
            BackendError: when there is none like that.
        """
        self._wanted = device
        self.device = devices.choose(device)
        self._context = DeviceContext(self.device)
        self._stored = _Constants()
        self._made: WeakSet[OpenCLExecutable] = WeakSet()

    def probe(self) -> Probe:
        """What the device and its driver say of themselves."""
        return devices.probe(self._wanted)

    def supports(self, model: Model) -> Mapping[str, str | None]:
        """Why an op can't run here, for every op of a model; None for those that can."""
        return {op.name: self._refusal(model.graph, op) for op in model.graph.ops}

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[Executable]:
        """Build the stages' kernels, and bring their constants to the device.

        Raises:
            UnitDownError: when the device is lost.
            BackendError: naming the op that has no kernel and why, before anything is built.
        """
        graph = model.graph
        for spec in stages:
            for name in spec.ops:
                refused = self._refusal(graph, graph.op[name])
                if refused is not None:
                    raise BackendError(f"op {name!r} can't run on OpenCL: {refused}")
        return [self._executable(model, spec) for spec in stages]

    def revive(self) -> None:
        """Open the device anew, and build there what was compiled; the old context is left.

        Raises:
            BackendError: when the device isn't there, or doesn't work.
        """
        device = devices.choose(self._wanted)
        context, stored = DeviceContext(device), _Constants()
        executables = list(self._made)
        placed = [_placed(context, stored, one.model, one.lowered) for one in executables]
        self.device, self._context, self._stored = device, context, stored
        for executable, anew in zip(executables, placed, strict=True):
            executable.placed = anew

    def release(self) -> None:
        """Give memory that is free back to the device."""
        self._context.pool.clear()

    def recipe(self) -> Recipe:
        """Another one on the same device."""
        return Recipe(
            factory="hetsched.backends.opencl:OpenCLBackend", options={"device": self._wanted}
        )

    def _refusal(self, graph: Graph, op: Op) -> str | None:
        found = reason(graph, op)
        if found is not None:
            return found
        most = self._context.most_bytes
        for name in (*op.reads, *op.writes):
            size = graph.tensors[name].nbytes() or 0
            if size > most:
                return f"{size} bytes of {name!r}: the device takes {most} at once"
        return None

    def _executable(self, model: Model, spec: StageSpec) -> OpenCLExecutable:
        lowered = lower_stage(model.graph, spec)
        placed = _placed(self._context, self._stored, model, lowered)
        made = OpenCLExecutable(model, lowered, placed)
        self._made.add(made)
        return made


def _placed(
    context: DeviceContext, stored: _Constants, model: Model, lowered: LoweredStage
) -> PlacedStage:
    constants = {name: _constant(context, stored, model, name) for name in lowered.constants}
    return PlacedStage(context, lowered, constants)


def _constant(context: DeviceContext, stored: _Constants, model: Model, name: str) -> Stored:
    from hetsched.ir.constants import constant  # heavy

    key = (model.prepared_sha256, name)
    found = stored.get(key)
    if found is None:
        found = stored[key] = context.store(constant(model, name))
    return found
