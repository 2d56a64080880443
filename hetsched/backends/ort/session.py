"""ONNX Runtime sessions with this project's settings."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as native

from hetsched.errors import BackendError
from hetsched.ir.custom import libraries

# Nothing silent: some of ONNX Runtime's wheels collect usage data unless told not to.
ort.disable_telemetry_events()

SPIN_US = 50
"""How long pool threads of a session with several threads look for work before they sleep.

Source: measured; full spinning loses half a shared machine, no spinning a quarter.
"""

FATAL = 4
"""Log severity: ONNX Runtime's warnings would go to stderr, its errors are raised anyway."""

ORT_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    TypeError,
    *(
        kind
        for kind in vars(native).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)
"""What a session may raise: its own exceptions have no common base class."""

_ADDRESS = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |/\S+:\d+ |\x1b\[[0-9;]*m")


@cache
def _share_allocator() -> None:
    """Let sessions take their memory from one arena: what a stage frees, the next one gets warm.

    A model of 1.5 ms split into 8 takes 1.15 instead of 1.23 times the unsplit time that way.
    """
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    with suppress(*ORT_ERRORS):  # the application has one for its own sessions: it serves as well
        ort.create_and_register_allocator(memory, None)


def session_options(threads: int, *, optimize: bool) -> ort.SessionOptions:
    """Settings that every session has.

    Args:
        threads: of one run, the caller's included.
        optimize: all of ONNX Runtime's graph optimisations, or none.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = FATAL
    _share_allocator()
    options.add_session_config_entry("session.use_env_allocators", "1")
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimize else level.ORT_DISABLE_ALL
    if threads > 1:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
        options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def make_session(
    source: Path | bytes,
    *,
    threads: int,
    optimize: bool,
    config: Mapping[str, str] | None = None,
    optimized_path: Path | None = None,
    without: Sequence[str] = (),
) -> ort.InferenceSession:
    """Load a model into a session on the CPU provider.

    Args:
        source: a file, or the model itself.
        threads: see `session_options`.
        optimize: see `session_options`.
        config: further session configuration entries.
        optimized_path: where to save the optimised model.
        without: names of ONNX Runtime's optimisers that are left out.

    Raises:
        BackendError: with ONNX Runtime's reason in one line.
    """
    options = session_options(threads, optimize=optimize)
    for key, value in (config or {}).items():
        options.add_session_config_entry(key, value)
    if optimized_path is not None:
        options.optimized_model_filepath = str(optimized_path)
    _register_libraries(options)
    model = source if isinstance(source, bytes) else str(source)
    try:
        return ort.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # falling back prints on stdout
            disabled_optimizers=list(without),
        )
    except ORT_ERRORS as error:
        raise BackendError(reason(error)) from error


def _register_libraries(options: ort.SessionOptions) -> None:
    for library in libraries():
        try:
            options.register_custom_ops_library(str(library))
        except ORT_ERRORS as error:
            raise BackendError(
                f"custom ops' library {library} isn't one of ONNX Runtime: {reason(error)}"
            ) from error


def reason(error: Exception) -> str:
    """ONNX Runtime's message in one line, without its own source files and colours."""
    text = " ".join(_ADDRESS.sub("", str(error)).split())
    return text or type(error).__name__
