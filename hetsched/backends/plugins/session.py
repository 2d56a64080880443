"""Sessions on a plug-in provider, and which ops it took."""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnxruntime as ort

from hetsched.backends.ort.session import ORT_ERRORS, reason, session_options
from hetsched.backends.plugins.affinity import process_affinity
from hetsched.backends.plugins.register import installed_version, need, provider_options
from hetsched.backends.plugins.table import Provider
from hetsched.errors import BackendError

CPU = "CPUExecutionProvider"
_FILE = re.compile(r"Load model from \S+ failed: ?")  # a temporary one, of no use to anybody
_first = threading.Lock()
_used: set[str] = set()
"""Providers whose libraries have been used: what they print, they have printed."""


def open_session(
    provider: Provider,
    source: Path,
    *,
    threads: int,
    options: Mapping[str, str],
    config: Mapping[str, str],
) -> ort.InferenceSession:
    """Load a file into a session on a provider; what that doesn't take goes to the CPU.

    The file's ops stay as they are: the provider optimises for itself.

    Args:
        provider: registered by this call where it isn't yet.
        source: the model, or what the provider had compiled of one.
        threads: of a run.
        options: provider options in addition to the table's.
        config: further session configuration entries.

    Raises:
        BackendError: when the provider isn't here, or with the reason why it refuses the file.
    """
    devices = need(provider)
    settings = session_options(threads, optimize=False)
    for key, value in {"session.record_ep_graph_assignment_info": "1", **config}.items():
        settings.add_session_config_entry(key, value)
    chosen = {**provider_options(provider, threads), **options}
    try:
        settings.add_provider_for_devices(list(devices), chosen)
        with process_affinity(), _quiet(provider):
            return ort.InferenceSession(str(source), settings)
    except ORT_ERRORS as error:
        why = _FILE.sub("", reason(error))
        raise BackendError(f"backend {provider.name!r}: {why}") from error


def left_out(session: ort.InferenceSession, ops: Sequence[str]) -> tuple[str, ...]:
    """Those of some ops that a session runs on the CPU, in their order.

    Nodes that the provider's change of layout brought about are no ops of the model; those that it
    changed are called after the op: `NAME_token_1`.
    """
    on_cpu = {
        node.name.split("_token_")[0]
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name == CPU
        for node in part.get_nodes()
    }
    return tuple(name for name in ops if name in on_cpu)


@contextmanager
def _quiet(provider: Provider) -> Iterator[None]:
    """What a provider's library prints at its first use goes to stderr: stdout is the program's."""
    if not provider.prints or provider.name in _used:
        yield
        return
    with _first:
        if sys.stdout is not None:
            sys.stdout.flush()
        try:
            kept: int | None = os.dup(1)
            os.dup2(2, 1)
        except OSError:  # a daemon without them: nobody reads what is printed
            kept = None
        try:
            yield
            _used.add(provider.name)
        finally:
            if kept is not None:
                os.dup2(kept, 1)
                os.close(kept)


def options_key(provider: Provider, threads: int, options: Mapping[str, str]) -> list[str]:
    """What a compiled context depends on besides the model: for cache keys."""
    chosen = {**provider_options(provider, threads), **options}
    plain = {key: value for key, value in chosen.items() if key not in provider.paths}
    return [provider.name, installed_version(provider) or "", json.dumps(plain, sort_keys=True)]
