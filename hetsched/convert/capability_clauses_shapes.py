"""Constraints on shapes, operands, axes and neighbours, word by word.

Source: the `constraint` column of the tables in `data/`; where a docstring names another, that.
"""

from collections.abc import Mapping

from hetsched.convert.capability_clauses_windows import ranks
from hetsched.convert.capability_rules import (
    Rule,
    Unsure,
    anything,
    folded_batchnorm,
    output_rank_2_or_4,
)
from hetsched.convert.capability_view import View

Shape = tuple[int | None, ...]


def _rank_up_to(most: int) -> Rule:
    def rule(view: View) -> str | None:
        rank = view.rank(view.input(0))
        return None if rank is not None and rank <= most else f"rank {most} at most, not {rank}"

    return rule


def _opset_up_to(newest: int) -> Rule:
    def rule(view: View) -> str | None:
        opset = view.op.opset
        return None if opset <= newest else f"opset {newest} at most, not {opset}"

    return rule


def _batch_1(view: View) -> str | None:
    shape = view.shape(view.input(0))
    return None if shape and shape[0] == 1 else f"batch 1 only, not {shape and shape[0]}"


def _same_rank(view: View) -> str | None:
    found = {view.rank(name) for name in view.op.reads}
    ok = len(found) == 1 and None not in found
    return None if ok else "operands of the same rank only"


def _operands(view: View) -> tuple[Shape, ...] | None:
    """Shapes of all inputs, the one with the most elements first; None when one isn't known."""
    shapes = [view.shape(name) for name in view.op.reads]
    known = [shape for shape in shapes if shape is not None and None not in shape]
    if not known or len(known) < len(shapes):
        return None
    out = view.shape(view.op.outputs[0])
    return tuple(sorted(known, key=lambda shape: shape != out))


def _is_same(view: View) -> bool:
    shapes = _operands(view)
    return shapes is not None and len(set(shapes)) == 1


def _same_shape(view: View) -> str | None:
    return None if _is_same(view) else "operands of the same shape only"


def _no_broadcast(view: View) -> str | None:
    """Limits of broadcasting don't touch operands of the same shape; what they are isn't told."""
    is_binary = len(view.op.reads) >= 2 and view.op.op_type != "BatchNormalization"
    return None if is_binary and _is_same(view) else Unsure("limits of broadcasting aren't known")


def _padded(large: Shape, small: Shape) -> Shape:
    return (1,) * (len(large) - len(small)) + small


def _per_channel(view: View) -> str | None:
    """The same shape, or one number for each channel, or for each channel of each image."""
    shapes = _operands(view)
    if shapes is None or len(shapes) != 2:
        return "two operands of known shapes only"
    large, small = shapes
    if large == small:
        return None
    dims = _padded(large, small)
    ok = len(large) >= 2 and dims[1] == large[1] and dims[0] in (1, large[0])
    ok = ok and set(dims[2:]) <= {1}
    return None if ok else f"the same shape or one number per channel only, not {small}"


def _along_axes(view: View) -> str | None:
    """The same shape, or that of some neighbouring axes of the other operand.

    Source: the parameters `axis` and `num_axes` of Caffe's Bias and Scale layers.
    """
    shapes = _operands(view)
    if shapes is None or len(shapes) != 2:
        return "two operands of known shapes only"
    large, small = shapes
    dims = _padded(large, small)
    kept = [axis for axis, dim in enumerate(dims) if dim != 1]
    run = range(kept[0], kept[-1] + 1) if kept else range(0)
    ok = all(dims[axis] == large[axis] for axis in run)
    return None if ok else f"the same shape or that of neighbouring axes only, not {small}"


def _two_to_four_inputs(view: View) -> str | None:
    count = len(view.op.reads)
    if 2 <= count <= 4:
        return None
    return Unsure(f"2 to 4 inputs are documented, and it has {count}")


def _trailing_axes(view: View) -> str | None:
    axes, rank = view.axes("axes", 1), view.rank(view.input(0))
    ok = axes is not None and rank is not None and axes == tuple(range(rank - len(axes), rank))
    return None if ok else f"trailing axes only, not {axes}"


def _one_stored_input(view: View) -> str | None:
    count = len(view.stored)
    return None if count <= 1 else f"one stored input at most, not {count}"


def _two_d_target(view: View) -> str | None:
    """[N, -1] whatever the layout; other targets depend on it."""
    before, after = view.shape(view.input(0)), view.shape(view.op.outputs[0])
    is_flat = bool(before and after and len(after) == 2 and before[0] == after[0])
    return None if is_flat else Unsure("NHWC only to [N, -1], and the layout isn't known")


def _keeps_dimensions(view: View) -> str | None:
    if view.op.op_type == "GlobalAveragePool":
        return None
    if view.op.op_type != "ReduceMean":
        return "mean only"
    return None if view.integer("keepdims", 1) == 1 else "keepdims only"


def _spatial_mean(view: View) -> str | None:
    """Over height and width, which are kept as 1."""
    is_4d = view.rank(view.input(0)) == 4
    ok = is_4d and view.axes("axes", 1) == (2, 3) and view.integer("keepdims", 1) == 1
    return None if ok else "4-D, over H and W, with keepdims only"


def _odd_window(view: View) -> str | None:
    size = view.integer("size", 0)
    return None if size in (3, 5, 7, 9) else f"window of 3, 5, 7 or 9, not {size}"


def _after_convolution(view: View) -> str | None:
    """Right after a convolution or its BatchNormalization, which nobody else reads."""
    name = view.input(0)
    producer = view.graph.producer.get(name)
    while producer is not None:
        readers = view.graph.consumers.get(name, ())
        if len(readers) != 1 or name in view.graph.outputs:
            return "only when fused: what is before it has other readers"
        if producer.op_type in ("Conv", "ConvTranspose"):
            return None
        if producer.op_type != "BatchNormalization":
            break
        name = producer.inputs[0]
        producer = view.graph.producer.get(name)
    return "only when fused into a convolution right before it"


SHAPE_CLAUSES: Mapping[str, Rule] = {
    "2-4 inputs documented": _two_to_four_inputs,
    "2-D or 4-D target": output_rank_2_or_4,
    # Of the tensor: a 4-D one is an image.
    "3-D or 4-D": ranks(3, 4),
    "<=1 const input": _one_stored_input,
    "H/W axes keep_dims": _spatial_mean,
    "INT8 runs as FP16": anything,
    "NHWC only to [N,-1]": _two_d_target,
    "as Power": anything,
    "as pooling": _spatial_mean,
    "batch 1": _batch_1,
    "batch 1/2/4/8 native, others become Conv2D": anything,
    # ONNX's operators have no such attribute.
    "batch_dims 0": anything,
    "broadcast limits": _no_broadcast,
    "mean with keepdims only": _keeps_dimensions,
    "multi-core no": anything,
    "only folded into convolution": folded_batchnorm,
    "only fused into a preceding convolution": _after_convolution,
    "opset<=10": _opset_up_to(10),
    "opset<=15": _opset_up_to(15),
    "rank 3 or 4": ranks(3, 4),
    "rank<=5": _rank_up_to(5),
    "same rank": _same_rank,
    "same shape": _same_shape,
    "same shape or axis bias": _along_axes,
    "same shape or axis scale": _along_axes,
    "same shape or channel scale": _per_channel,
    "trailing axes": _trailing_axes,
    "unrolled per step": anything,
    "window 3/5/7/9 across channels": _odd_window,
}
"""Words to the rule that checks them."""
