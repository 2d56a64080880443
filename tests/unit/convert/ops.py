"""One op with named shapes, for tests of rules: what is stored, what comes at run time."""

from collections.abc import Mapping
from dataclasses import dataclass

from hetsched.convert.capability_view import View
from hetsched.ir.graph import Attribute, Scalar
from tests.unit.cost.nets import GraphBuilder

IMAGE = (1, 8, 4, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """An input: its shape, and whether and with which value it is stored."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    is_stored: bool = False
    value: tuple[Scalar, ...] | None = None


def run_time(*shape: int, dtype: str = "float32") -> Operand:
    return Operand(shape=shape, dtype=dtype)


def stored(*shape: int, dtype: str = "float32") -> Operand:
    return Operand(shape=shape, dtype=dtype, is_stored=True)


def number(*value: Scalar) -> Operand:
    """A stored list of numbers."""
    dtype = "float32" if isinstance(value[0], float) else "int64"
    return Operand(shape=(len(value),), dtype=dtype, is_stored=True, value=value)


def op(
    op_type: str,
    *operands: Operand,
    made: tuple[int, ...] = IMAGE,
    opset: int = 13,
    outputs: int = 1,
    dtype: str = "float32",
    before: tuple[str, ...] = (),
    after: str = "",
    given: Mapping[str, Attribute] | None = None,
    **attributes: Attribute,
) -> View:
    """An op that reads its operands; `before` lead to its first input, `after` reads its result."""
    builder = GraphBuilder(opset)
    names = []
    for index, operand in enumerate(operands):
        name, shape = f"i{index}", operand.shape
        if operand.is_stored:
            builder.constant(name, *shape, dtype=operand.dtype, value=operand.value)
        else:
            builder.input(name, *shape, dtype=operand.dtype)
        names.append(name)
    for earlier in before:
        names[0] = builder.op(earlier, names[:1], operands[0].shape)
    made_name = builder.op(
        op_type,
        names,
        made,
        dtype=dtype,
        outputs=outputs,
        attributes={**(given or {}), **attributes},
    )
    found = builder.ops[-1]
    kept = list(found.outputs)
    if after:
        kept.append(builder.op(after, (made_name,), made))
    return View(graph=builder.graph(*kept), op=found)


def conv(
    *, kernel: tuple[int, ...] = (3, 3), channels: int = 8, group: int = 1, **more: Attribute
) -> View:
    """A convolution of 4 x 4 images with stored weights, one dimension for each of the kernel."""
    image = run_time(1, channels, *(4,) * len(kernel))
    weights = stored(8, channels // group, *kernel)
    made = (1, 8, *(4,) * len(kernel))
    return op("Conv", image, weights, made=made, group=group, given=more)


def pool(*kernel: int, after: str = "", **more: Attribute) -> View:
    """A maximum over windows."""
    shape = (1, 8, *(4,) * len(kernel))
    return op("MaxPool", run_time(*shape), made=shape, after=after, kernel_shape=kernel, given=more)


def image_op(
    op_type: str,
    *,
    opset: int = 13,
    outputs: int = 1,
    dtype: str = "float32",
    before: tuple[str, ...] = (),
    **more: Attribute,
) -> View:
    """An op on an image that keeps its shape; `dtype` is that of its result."""
    image = run_time(*IMAGE)
    return op(op_type, image, opset=opset, outputs=outputs, dtype=dtype, before=before, given=more)
