"""Fixing the shapes of a model's inputs."""

from collections.abc import Mapping, Sequence

import onnx_ir as ir

from hetsched.errors import ModelError
from hetsched.ir.build import static_dims


def freeze(model: ir.Model, shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Give every input a static shape, in place.

    Args:
        model: inputs that are initializers have been taken out of `graph.inputs` already.
        shapes: by input name; inputs with a static shape may be left out.

    Returns:
        The shape of every input that is a tensor.

    Raises:
        ModelError: naming the input, and the dimensions that it has or accepts.
    """
    inputs = {value.name or "": value for value in model.graph.inputs}
    for name in shapes:
        if name not in inputs:
            raise ModelError(f"the model has no input {name!r}: it has {', '.join(inputs)}")
    frozen = {}
    for name, value in inputs.items():
        if isinstance(value.type, ir.TensorType) or value.type is None:
            frozen[name] = _frozen(name, value, shapes.get(name))
            value.shape = ir.Shape(frozen[name])
    return frozen


def _frozen(name: str, value: ir.Value, given: Sequence[int] | None) -> tuple[int, ...]:
    declared = static_dims(value.shape)
    if given is None:
        if declared is None or None in declared:
            shown = name if name.isprintable() else repr(name)
            raise ModelError(
                f"input {name!r} has no static shape but {_dims(value)}: "
                f"give one with --shape {shown}={_example(value)}"
            )
        return tuple(dim for dim in declared if dim is not None)
    wanted = tuple(int(dim) for dim in given)
    fits = declared is None or (
        len(declared) == len(wanted)
        and all(dim in (None, new) for dim, new in zip(declared, wanted, strict=True))
    )
    if not fits or any(dim < 0 for dim in wanted):
        given_text = ",".join(map(str, wanted))
        raise ModelError(f"shape {given_text} doesn't fit input {name!r}, which is {_dims(value)}")
    return wanted


def _dims(value: ir.Value) -> str:
    if value.shape is None:
        return "of unknown rank"
    return "[" + ", ".join(_dim(dim) for dim in value.shape) + "]"


def _dim(dim: "int | ir.SymbolicDim") -> str:
    if isinstance(dim, int):
        return str(dim) if dim >= 0 else "?"
    text = str(dim.value or "?")
    return text if text.isprintable() else repr(text)


_EXAMPLES = {1: (1,), 2: (1, 16), 3: (1, 16, 64), 4: (1, 3, 480, 640), 5: (1, 3, 8, 112, 112)}


def _example(value: ir.Value) -> str:
    """A filled-in shape for the message: its fixed dimensions, usual ones for the others."""
    if value.shape is None:
        return "1,3,480,640"
    usual = _EXAMPLES.get(len(value.shape), (1,) * len(value.shape))
    declared = static_dims(value.shape) or ()
    dims = [u if d is None else d for d, u in zip(declared, usual, strict=True)]
    return ",".join(map(str, dims))
