"""Running library passes over files that nobody vouches for."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from onnx.shape_inference import InferenceError

LIBRARY_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, AssertionError,
    NotImplementedError, ArithmeticError, MemoryError, InferenceError,
)  # fmt: skip
"""What the ONNX libraries raise on a damaged model; they have no common root."""

_LOGGERS = ("onnx_ir", "onnxscript")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' warnings off the user's terminal: what matters is raised."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def one_line(error: BaseException) -> str:
    """The text of an error's first cause, on one line of bearable length."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__
