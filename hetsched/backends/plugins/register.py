"""Finding installed providers and registering their libraries, once in a process."""

import ctypes
import importlib
import importlib.metadata
import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from hetsched.backends.base import Probe
from hetsched.backends.ort.session import ORT_ERRORS, reason
from hetsched.backends.plugins.affinity import process_affinity
from hetsched.backends.plugins.table import Provider
from hetsched.errors import BackendError

_LOADING_ERRORS: tuple[type[Exception], ...] = (ImportError, OSError, AttributeError, *ORT_ERRORS)
_lock = threading.Lock()
_registered: dict[str, str | None] = {}
"""Provider's name to why it couldn't be registered, None where it could."""


def probe(provider: Provider) -> Probe:
    """Look whether a provider can be used here; its library is loaded for that."""
    version = installed_version(provider)
    why_not = missing(provider)
    found = () if why_not else devices(provider)
    return Probe(
        name=provider.name,
        here=why_not is None,
        version=version,
        why_not=why_not,
        emulated=provider.emulated,
        dtypes=provider.dtypes,
        devices=tuple(_describe(provider, device) for device in found),
        notes=_notes(provider, found),
    )


def installed_version(provider: Provider) -> str | None:
    """Version of a provider's package, None where it isn't installed."""
    try:
        return importlib.metadata.version(provider.package)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(provider: Provider) -> str | None:
    """Why a provider can't be used here, None where it can."""
    if importlib.util.find_spec(provider.module) is None:
        return f"{provider.package} isn't installed: pip install 'hetsched[{provider.extra}]'"
    if not hasattr(ort.InferenceSession, "get_provider_graph_assignment_info"):
        return (
            f"ONNX Runtime {ort.__version__} doesn't tell which ops a provider takes: "
            "1.24 or later does"
        )
    with _lock:
        if provider.name not in _registered:
            _registered[provider.name] = _register(provider)
        failed = _registered[provider.name]
    if failed is not None:
        return failed
    if not devices(provider):
        return f"{provider.package}'s plug-in finds no device on this machine"
    return None


def need(provider: Provider) -> Sequence[Any]:
    """A provider's devices.

    Raises:
        BackendError: with the reason why it can't be used here.
    """
    why_not = missing(provider)
    if why_not is not None:
        raise BackendError(f"backend {provider.name!r}: {why_not}")
    return devices(provider)


def devices(provider: Provider) -> Sequence[Any]:
    """The one of ONNX Runtime's devices that a registered provider is meant for, if it is here."""
    found = [
        device
        for device in ort.get_ep_devices()
        if device.ep_name == provider.ep_name
        and provider.metadata.items() <= dict(device.ep_metadata).items()
    ]
    return found[:1]


def provider_options(provider: Provider, threads: int) -> dict[str, str]:
    """The table's options, filled in."""
    module = importlib.import_module(provider.module)
    given = provider.options.items()
    found = {key: value.replace("{threads}", str(threads)) for key, value in given}
    found.update({key: str(getattr(module, name)()) for key, name in provider.paths.items()})
    if provider.emulated:
        found.update(provider.emulation_options)
    return found


def _register(provider: Provider) -> str | None:
    for key, value in provider.environment.items():
        os.environ.setdefault(key, value)
    try:
        library = importlib.import_module(provider.module).get_library_path()
        with process_affinity():
            ort.register_execution_provider_library(provider.ep_name, _gated(provider, library))
    except _LOADING_ERRORS as error:
        return f"{provider.package}'s plug-in can't be loaded: {reason(error)}"
    return None


def _gated(provider: Provider, library: str) -> str:
    """What ONNX Runtime is to load: the plug-in, or hetsched's library that stands before it."""
    if provider.gate is None:
        return library
    gate = gate_path(provider)
    if not gate.exists():
        return library
    ctypes.CDLL(str(gate)).hetsched_gate_target(library.encode())
    return str(gate)


def gate_path(provider: Provider) -> Path:
    """Where the library is that stands before a provider's: beside the native core."""
    core = importlib.util.find_spec("hetsched._core")
    home = core.origin if core is not None and core.origin else __file__
    return Path(home).with_name(provider.gate or "")


def _describe(provider: Provider, device: Any) -> str:
    kind = device.device.type.name
    what = "in emulation on the " if provider.emulated else ""
    return f"{what}{kind} by {device.device.vendor}"


def _notes(provider: Provider, found: Sequence[Any]) -> tuple[str, ...]:
    notes = []
    if provider.emulated:
        notes.append("its times say nothing of the hardware, and enter no cost")
    if provider.gate and any(device.device.vendor != device.ep_vendor for device in found):
        notes.append(f"the plug-in names only {found[0].ep_vendor}'s devices; hetsched names this")
    if provider.moves_threads:
        notes.append("not pinned: its threads run on any core that the process may use")
    return tuple(notes)
