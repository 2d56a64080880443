"""Backends by name. Nothing of a backend is imported before it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hetsched.backends.base import Backend, Probe, Probing
from hetsched.backends.recipe import Recipe, make
from hetsched.errors import BackendError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A backend that units can be made of by its name alone.

    Attributes:
        factory: `package.module:name`; takes the backend's own options.
        about: what it is, in a few words.
        options: given to the factory.
        computes: it gives real numbers.
    """

    factory: str
    about: str
    options: Mapping[str, Any] = field(default_factory=dict)
    computes: bool = True


_PLUGIN = "hetsched.backends.plugins.backend:PluginBackend"

BACKENDS: Mapping[str, Entry] = {
    "ort": Entry(
        factory="hetsched.backends.ort:OrtBackend",
        about="ONNX Runtime CPU, this machine",
    ),
    "openvino": Entry(
        factory=_PLUGIN,
        options={"provider": "openvino"},
        about="OpenVINO, through ONNX Runtime, this machine's CPU",
    ),
    "qnn": Entry(
        factory=_PLUGIN,
        options={"provider": "qnn"},
        about="Qualcomm's HTP (Hexagon NPU), through ONNX Runtime",
    ),
    "opencl": Entry(
        factory="hetsched.backends.opencl.backend:OpenCLBackend",
        about="OpenCL kernels on a GPU, else any device",
    ),
    "null": Entry(
        factory="hetsched.backends.null:NullBackend",
        about="computes nothing, gives zeros",
        computes=False,
    ),
}


def entry(name: str) -> Entry:
    """What is known of a backend.

    Raises:
        BackendError: naming the backends that there are.
    """
    if name not in BACKENDS:
        raise BackendError(f"there is no backend {name!r}: take one of {', '.join(BACKENDS)}")
    return BACKENDS[name]


def make_backend(name: str, **options: Any) -> Backend:
    """Make a backend.

    Args:
        name: one of `BACKENDS`.
        options: of its own: see its class.

    Raises:
        BackendError: when there is no such backend, it isn't here, or it lacks such an option.
    """
    known = entry(name)
    made: Backend = make(Recipe(factory=known.factory, options={**known.options, **options}))
    return made


def probe_backend(name: str) -> Probe:
    """Whether a backend can be used on this machine.

    Raises:
        BackendError: when there is no such backend.
    """
    entry(name)
    try:
        backend = make_backend(name)
    except BackendError as error:
        return Probe(name=name, here=False, why_not=str(error))
    if isinstance(backend, Probing):
        return backend.probe()
    return Probe(name=name, here=True)
