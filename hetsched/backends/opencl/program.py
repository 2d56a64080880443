"""Kernels out of `native/opencl`, built for one device."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hetsched.backends.opencl.kernels.launch import Arg, Launch
from hetsched.backends.opencl.loss import driver_error
from hetsched.data import data_dir
from hetsched.errors import BackendError

if TYPE_CHECKING:
    import pyopencl as cl

GROUP_ITEMS = 64
"""Items of a work group, where the kernel can have as many on the device.

It is the same for all: PoCL compiles a kernel anew for every other size. Source: PoCL's manual on
work-group specialisation.
"""


class Programs:
    """The sources that were needed so far, built once per context.

    Where drivers keep what they have built (PoCL does, in its own cache folder), they keep it by
    source and options. Both are the same for every model: shapes are arguments.
    """

    def __init__(self, context: "cl.Context", device: "cl.Device") -> None:
        """None built yet."""
        self._context = context
        self._device = device
        self._built: dict[tuple[str, str | None], cl.Program] = {}
        self._lock = threading.Lock()

    def kernel(self, launch: Launch) -> "BoundKernel":
        """A kernel of its own for a launch: its arguments stay set.

        Raises:
            UnitDownError: when the device is lost.
            BackendError: with the compiler's words, when the device's compiler refuses it.
        """
        import pyopencl as cl

        key = launch.source, launch.text
        with self._lock:
            if key not in self._built:
                self._built[key] = self._build(*key)
            program = self._built[key]
        try:
            kernel = cl.Kernel(program, launch.kernel)
            _check_arguments(kernel.num_args, launch)
            most = kernel.get_work_group_info(
                cl.kernel_work_group_info.WORK_GROUP_SIZE, self._device
            )
            return BoundKernel(self._context, kernel, launch, min(GROUP_ITEMS, most))
        except cl.Error as error:
            raise driver_error(f"OpenCL kernel {launch.kernel!r}", error) from error

    def _build(self, source: str, own: str | None) -> "cl.Program":
        import pyopencl as cl

        what = f"{source}.cl" if own is None else f"the OpenCL kernel of {source}"
        text = own or (data_dir("opencl") / f"{source}.cl").read_text(encoding="utf-8")
        try:
            return cl.Program(self._context, text).build()
        except cl.Error as error:
            raise driver_error(f"{what} isn't built", error) from error


class BoundKernel:
    """A kernel whose arguments are set, but for the memory of values.

    Attributes:
        values: (position, name) of the arguments that are a value's memory.
        launch: what it is for.
    """

    def __init__(
        self, context: "cl.Context", kernel: "cl.Kernel", launch: Launch, group_items: int
    ) -> None:
        """Set what stays the same for all runs."""
        self.launch = launch
        self.values = tuple((i, arg) for i, arg in enumerate(launch.args) if isinstance(arg, str))
        self._kernel = kernel
        self._group = (group_items,)
        self._range = (-(-launch.items // group_items) * group_items,)
        self._tables: list[cl.Buffer] = []  # the device doesn't keep them alive
        for position, arg in enumerate(launch.args):
            if not isinstance(arg, str):
                kernel.set_arg(position, self._fixed(context, arg))
        kernel.set_arg(len(launch.args), np.int32(launch.items))

    def set(self, position: int, memory: "cl.Buffer") -> None:
        """Say where the value of an argument lies."""
        self._kernel.set_arg(position, memory)

    def enqueue(self, queue: "cl.CommandQueue") -> None:
        """Let it run after what the queue has already."""
        import pyopencl as cl

        cl.enqueue_nd_range_kernel(queue, self._kernel, self._range, self._group)

    def warm_up(self, queue: "cl.CommandQueue") -> None:
        """Let it run for no item: drivers that compile at the first run do so now."""
        import pyopencl as cl

        last = len(self.launch.args)
        self._kernel.set_arg(last, np.int32(0))
        cl.enqueue_nd_range_kernel(queue, self._kernel, self._group, self._group)
        self._kernel.set_arg(last, np.int32(self.launch.items))

    def _fixed(self, context: "cl.Context", arg: Arg) -> Any:
        if isinstance(arg, tuple):
            self._tables.append(_table(context, arg))
            return self._tables[-1]
        if isinstance(arg, np.generic):
            return arg
        return np.float32(arg) if isinstance(arg, float) else np.int32(arg)


def _check_arguments(taken: int, launch: Launch) -> None:
    """A custom op's kernel may be written for others: the driver would say just "invalid"."""
    given = len(launch.args) + 1
    if taken != given:
        raise BackendError(
            f"OpenCL kernel {launch.kernel!r} of {launch.source} takes {taken} arguments: it gets "
            f"{given}, its inputs, its output, its numbers and the count"
        )


def _table(context: "cl.Context", numbers: Sequence[int] | Sequence[float]) -> "cl.Buffer":
    import pyopencl as cl

    dtype = np.float32 if numbers and isinstance(numbers[0], float) else np.int32
    array = np.array(numbers or (0,), dtype)
    flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
    return cl.Buffer(context, flags, hostbuf=array)
