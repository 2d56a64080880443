"""A device that is opened: its context, its queues, and what is built and allocated there."""

import threading

import numpy as np

from hetsched.backends.opencl.buffers import Pool, Stored
from hetsched.backends.opencl.loss import driver_error
from hetsched.backends.opencl.program import Programs
from hetsched.backends.opencl_links import Device
from hetsched.errors import BackendError


class DeviceContext:
    """What all stages on one device share.

    Attributes:
        device: which one.
        queue: stages' kernels and copies to the device, in order.
        reads: copies to the host: they don't wait for the stage that runs meanwhile.
        pool: memory of values.
        programs: kernels.
        lock: who holds it, uses `queue` and sets kernels' arguments.
    """

    def __init__(self, device: Device) -> None:
        """Open it.

        Raises:
            BackendError: when the driver refuses.
        """
        import pyopencl as cl

        self.device = device
        try:
            self._context = cl.Context([device.handle])
            self.queue = cl.CommandQueue(self._context)
            self.reads = cl.CommandQueue(self._context)
        except cl.Error as error:
            raise BackendError(f"OpenCL device {device.name!r}: {error}") from error
        self.pool = Pool(self._context)
        self.programs = Programs(self._context, device.handle)
        self.lock = threading.Lock()

    @property
    def most_bytes(self) -> int:
        """The largest memory that the device gives at once."""
        return int(self.queue.device.max_mem_alloc_size)

    def store(self, array: np.ndarray) -> Stored:
        """A constant on the device.

        Raises:
            UnitDownError: when it is lost.
            BackendError: when it has no room.
        """
        import pyopencl as cl

        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        try:
            return Stored(cl.Buffer(self._context, flags, hostbuf=np.ascontiguousarray(array)))
        except cl.Error as error:
            what = f"no {array.nbytes} bytes on the OpenCL device for a constant"
            raise driver_error(what, error) from error
