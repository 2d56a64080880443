"""Ops of one's own: registered by domain, name and version, then known wherever ops are.

An op comes with what infers its outputs' shapes and with a NumPy reference; each further
implementation is optional. What isn't there is told by `sides`, and never made up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from hetsched.errors import ModelError
from hetsched.ir.custom_kernel import OpenCLKernel
from hetsched.ir.graph import Tensor

Kind: TypeAlias = tuple[str, tuple[int | None, ...]]
"""dtype and shape of an output."""

_TAKEN = frozenset({"", "ai.onnx", "ai.onnx.ml"})

_ops: dict[tuple[str, str], "CustomOp"] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomOp:
    """An op that ONNX doesn't have.

    Attributes:
        domain: of the op, such as `com.example`.
        name: op type.
        version: newest version of the domain that this is for.
        infer: gets the inputs (with dtype and shape, as far as known) and the attributes; returns
            dtype and shape of each output.
        reference: gets the inputs as arrays and the attributes by name; returns an array, or one
            per output.
        macs: multiply-accumulates of a run, from the inputs and the attributes; None for an op that
            multiplies nothing.
        opencl: a kernel, which OpenCL units run.
        onnxruntime: shared library that registers the op with ONNX Runtime.
        cpp: source of a C++ implementation.
    """

    domain: str
    name: str
    version: int
    infer: Callable[[Sequence[Tensor], Mapping[str, Any]], Sequence[Kind]]
    reference: Callable[..., np.ndarray | Sequence[np.ndarray]]
    macs: Callable[[Sequence[Tensor], Mapping[str, Any]], int] | None = None
    opencl: OpenCLKernel | None = None
    onnxruntime: Path | None = None
    cpp: str | None = None

    @property
    def sides(self) -> Mapping[str, bool]:
        """Implementation to whether it is there."""
        return {
            "NumPy": True,
            "ONNX Runtime": self.onnxruntime is not None,
            "OpenCL": self.opencl is not None,
            "C++": self.cpp is not None,
        }


def register(op: CustomOp) -> None:
    """Make an op known in this process; the same name again replaces it.

    Raises:
        ModelError: for a domain that is ONNX's own or ONNX Runtime's, or a missing library.
    """
    if op.domain in _TAKEN or op.domain.startswith("com.microsoft"):
        raise ModelError(
            f"op {op.name!r} can't be registered in domain {op.domain!r}, which isn't yours: "
            f"take another one, such as com.example"
        )
    if op.version < 1:
        raise ModelError(f"op {op.name!r} of {op.domain}: version {op.version} is under 1")
    if op.onnxruntime is not None and not op.onnxruntime.is_file():
        raise ModelError(f"op {op.name!r} of {op.domain}: there is no library {op.onnxruntime}")
    _ops[op.domain, op.name] = op


def forget(domain: str, name: str) -> None:
    """Take an op's registration back."""
    _ops.pop((domain, name), None)


def custom_op(domain: str, name: str) -> CustomOp | None:
    """A registered op."""
    return _ops.get((domain, name))


def registered() -> Mapping[tuple[str, str], CustomOp]:
    """All registered ops by domain and name."""
    return MappingProxyType(_ops)


def libraries() -> tuple[Path, ...]:
    """ONNX Runtime's libraries of the registered ops, each once."""
    found = (op.onnxruntime for op in _ops.values() if op.onnxruntime is not None)
    return tuple(dict.fromkeys(found))


def needs_reference(domain: str, name: str) -> bool:
    """Whether an op runs by its NumPy reference: it is registered, and ONNX Runtime lacks it."""
    op = custom_op(domain, name)
    return op is not None and op.onnxruntime is None


def run_reference(
    op: CustomOp, inputs: Sequence[np.ndarray | None], attributes: Mapping[str, Any]
) -> tuple[np.ndarray, ...]:
    """Run the NumPy reference.

    Raises:
        ModelError: naming the op, when it fails.
    """
    try:
        made = op.reference(*inputs, **attributes)
    except Exception as error:
        raise ModelError(
            f"the NumPy reference of {op.domain} {op.name} failed: {type(error).__name__}: {error}"
        ) from error
    return (made,) if isinstance(made, np.ndarray) else tuple(made)
