"""Which OpenCL device to take, and what it says of itself."""

from collections.abc import Sequence
from typing import Any

from hetsched.backends.base import Probe
from hetsched.backends.opencl_links import Device, devices
from hetsched.errors import BackendError

NAME = "opencl"
ARITHMETIC = "float32"
NO_DEVICE = (
    "there is no OpenCL device: install the driver of this machine's GPU, or "
    "`pip install 'hetsched[pocl]'`, which makes one of the CPU's cores"
)


def choose(wanted: str | int | None = None) -> Device:
    """A device of this machine.

    Args:
        wanted: part of its name or platform, or its number in the order in which OpenCL lists them;
            by default the first GPU, else the first device.

    Raises:
        BackendError: when there is none, or none like that; it names those that are there.
    """
    found = devices()
    if not found:
        raise BackendError(NO_DEVICE)
    if wanted is None:
        return next((device for device in found if is_gpu(device)), found[0])
    if isinstance(wanted, int) or wanted.isdecimal():
        fitting: Sequence[Device] = found[int(wanted) : int(wanted) + 1]
    else:
        fitting = [d for d in found if wanted.lower() in f"{d.name} {d.platform}".lower()]
    if not fitting or (isinstance(wanted, int) and wanted < 0):
        there = ", ".join(f"{number}: {device.name}" for number, device in enumerate(found))
        raise BackendError(f"there is no OpenCL device {wanted!r}: take one of {there}")
    return fitting[0]


def is_gpu(device: Device) -> bool:
    """Whether it is one, by its own word."""
    import pyopencl as cl  # heavy

    return bool(_handle(device).type & cl.device_type.GPU)


def is_cpu(device: Device) -> bool:
    """Whether it is the host's CPU under another name."""
    import pyopencl as cl  # heavy

    return bool(_handle(device).type & cl.device_type.CPU)


def probe(wanted: str | int | None = None) -> Probe:
    """Whether the device is here, and which driver runs it."""
    try:
        device = choose(wanted)
    except BackendError as error:
        return Probe(name=NAME, here=False, why_not=str(error))
    notes: tuple[str, ...] = ()
    if is_cpu(device):
        notes = (f"{device.name} is this machine's CPU: it shares its cores with CPU units",)
    return Probe(
        name=NAME,
        here=True,
        version=f"{device.platform}, driver {_handle(device).driver_version.strip()}",
        dtypes=(ARITHMETIC,),
        devices=(device.name,),
        notes=notes,
    )


def _handle(device: Device) -> Any:
    """The object of pyopencl, which has no types here."""
    return device.handle
