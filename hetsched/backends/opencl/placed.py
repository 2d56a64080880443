"""One stage as a list of kernels on a device that is open."""

from collections.abc import Mapping, Sequence

import numpy as np

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.opencl.buffers import DeviceBuffer, Lease, Memory, Stored
from hetsched.backends.opencl.context import DeviceContext
from hetsched.backends.opencl.layout import lay_out
from hetsched.backends.opencl.loss import driver_error
from hetsched.backends.opencl.lowering import LoweredStage
from hetsched.backends.opencl.program import BoundKernel
from hetsched.errors import BackendError


class PlacedStage:
    """A compiled stage; runs on one device take turns. It is lost with its context.

    Attributes:
        stage: its id.
        inputs: names of the values it reads.
        outputs: names of the values it makes.
    """

    def __init__(
        self, context: DeviceContext, lowered: LoweredStage, constants: Mapping[str, Stored]
    ) -> None:
        """Build its kernels, and allocate the memory that is its own in every run.

        Raises:
            UnitDownError: when the device is lost.
            BackendError: when the device's compiler or memory refuses.
        """
        self.stage = lowered.stage
        self.inputs = lowered.inputs
        self.outputs = lowered.outputs
        self._context = context
        self._values = lowered.values
        self._constants = constants
        layout = lay_out(
            lowered.launches,
            lowered.views,
            {name: value.nbytes for name, value in lowered.values.items()},
            lasting=(*lowered.inputs, *lowered.outputs, *constants),
        )
        self._root = layout.root
        self._slots = [Stored(context.pool.own(size)) for size in layout.sizes_bytes]
        own = {name: self._slots[number] for name, number in layout.slot.items()}
        self._kernels = [context.programs.kernel(launch) for launch in lowered.launches]
        self._loose = self._set(own | dict(constants))
        outside = {*lowered.inputs, *constants}
        roots = dict.fromkeys(layout.root[name] for name in lowered.outputs)
        self._made = tuple(name for name in roots if name not in outside)
        self._warm_up()

    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread, with values in the order of `inputs`.

        Raises:
            UnitDownError: when the device is lost.
            ValueLostError: when a value was on a device that is lost.
            BackendError: naming the stage, when the device fails.
        """
        import pyopencl as cl

        pairs = zip(self.inputs, values, strict=True)
        given = {name: self._taken(name, value) for name, value in pairs}
        try:
            with self._context.lock:
                held = self._run(given)
        except cl.Error as error:
            raise driver_error(f"stage {self.stage!r}", error, is_running=True) from error
        return [self._buffer(name, held[self._root[name]]) for name in self.outputs]

    def _run(self, given: Mapping[str, Memory | np.ndarray]) -> dict[str, Memory]:
        """What all values have for memory that aren't the stage's own, when the run has ended."""
        held: dict[str, Memory] = dict(self._constants)
        for name, value in given.items():
            held[name] = self._copied(value) if isinstance(value, np.ndarray) else value
        for name in self._made:
            held[name] = self._context.pool.take(self._values[name].nbytes)
        for kernel, position, name in self._loose:
            kernel.set(position, held[name].memory)
        for kernel in self._kernels:
            kernel.enqueue(self._context.queue)
        self._context.queue.finish()
        return held

    def _taken(self, name: str, value: Buffer | HostValue) -> Memory | np.ndarray:
        """An input where it is: on the device already, or an array that must be copied there."""
        if isinstance(value, DeviceBuffer) and value.context is self._context:
            return value.held
        plain = value if value is None or isinstance(value, np.ndarray | list) else value.host()
        return self._checked(name, plain)

    def _copied(self, array: np.ndarray) -> Lease:
        import pyopencl as cl

        lease = self._context.pool.take(array.nbytes)
        cl.enqueue_copy(self._context.queue, lease.memory, array, is_blocking=True)
        return lease

    def _checked(self, name: str, value: HostValue) -> np.ndarray:
        wanted = self._values[name]
        if not isinstance(value, np.ndarray):
            raise BackendError(f"stage {self.stage!r}: its input {name!r} is no tensor")
        if value.shape != wanted.shape or value.dtype != wanted.dtype:
            raise BackendError(
                f"stage {self.stage!r}: its input {name!r} is {value.dtype} of shape "
                f"{value.shape}: give {wanted.dtype} of shape {wanted.shape}"
            )
        return np.ascontiguousarray(value)

    def _set(self, own: Mapping[str, Stored]) -> list[tuple[BoundKernel, int, str]]:
        """Set the memory that is the same in every run; the arguments that are left come back."""
        left = []
        for kernel in self._kernels:
            for position, name in kernel.values:
                root = self._root[name]
                if root in own:
                    kernel.set(position, own[root].memory)
                else:
                    left.append((kernel, position, root))
        return left

    def _warm_up(self) -> None:
        """Run each kernel once for no item, so that the first real run finds it compiled."""
        import pyopencl as cl

        seen: dict[tuple[str, str], BoundKernel] = {}
        for kernel in self._kernels:
            seen.setdefault((kernel.launch.source, kernel.launch.kernel), kernel)
        try:
            with self._context.lock:
                spare = self._context.pool.take(8)
                for kernel, position, _ in self._loose:
                    kernel.set(position, spare.memory)
                for kernel in seen.values():
                    kernel.warm_up(self._context.queue)
                self._context.queue.finish()
        except cl.Error as error:
            raise driver_error(f"stage {self.stage!r}", error) from error

    def _buffer(self, name: str, held: Memory) -> DeviceBuffer:
        value = self._values[name]
        return DeviceBuffer(self._context, held, value.shape, value.dtype)
