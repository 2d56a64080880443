"""Constraints on what is stored in the model, word by word: weights, axes, indices, dtypes.

Source: the `constraint` column of the tables in `data/`; where a docstring names another, that.
"""

from collections.abc import Mapping

from hetsched.convert.capability_rules import (
    Rule,
    Unsure,
    all_of,
    anything,
    fully_connected_4d,
    no_output_padding,
    one_output,
    stored_parameters,
)
from hetsched.convert.capability_view import View

_FLOATS = frozenset({"float16", "float32", "float64", "bfloat16"})
_HTP_PAIRS = frozenset({("uint8", "uint8"), ("uint8", "uint16"), ("uint16", "uint8")})


def _stored_input(index: int, what: str) -> Rule:
    def rule(view: View) -> str | None:
        name = view.input(index)
        ok = not name or view.is_weight(name)
        return None if ok else f"{what} must be stored in the model"

    return rule


def parameter_rule(attribute: str, index: int) -> Rule:
    """An attribute in older op sets, a stored input in newer ones."""

    def rule(view: View) -> str | None:
        name = view.input(index)
        is_stored = attribute in view.op.attributes or not name or view.is_constant(name)
        return None if is_stored else f"{attribute} must be stored in the model"

    return rule


def _preferred(view: View) -> str | None:
    """Stored parameters run; what others need isn't told."""
    reason = stored_parameters(view)
    return None if reason is None else Unsure(f"{reason}, or else nobody says")


def _static_shape_input(view: View) -> str | None:
    if view.op.op_type == "Reshape":
        return parameter_rule("shape", 1)(view)
    return parameter_rule("axes", 1)(view)


def _slice_stored(view: View) -> str | None:
    rules = [parameter_rule(name, at + 1) for at, name in enumerate(("starts", "ends", "axes"))]
    return all_of(*rules, parameter_rule("steps", 4))(view)


def _no_same_pad(view: View) -> str | None:
    mode = view.text("auto_pad", "NOTSET")
    return f"no auto_pad {mode}" if mode.startswith("SAME") else None


def _not_empty(view: View) -> str | None:
    for name in (*view.data, *view.made):
        shape = view.shape(name)
        if shape is None or None in shape or 0 in shape:
            return f"shape of {name!r} must be known and not empty"
    return None


def _one_axis(view: View) -> str | None:
    axes = view.axes("axes", 3)
    return None if axes is not None and len(axes) == 1 else f"one axis only, not {axes}"


def _float32_weights(view: View) -> str | None:
    name = view.input(1)
    tensor = view.graph.tensors.get(name)
    ok = view.is_weight(name) and tensor is not None and tensor.dtype == "float32"
    return None if ok else "float32 weights stored in the model only"


def _stored_or_int32(view: View) -> str | None:
    tensor = view.graph.tensors.get(view.input(1))
    ok = view.is_constant(view.input(1)) or (tensor is not None and tensor.dtype == "int32")
    return None if ok else "indices must be stored in the model, or int32"


def _no_negative_indices(view: View) -> str | None:
    values = view.value(1)
    if values is None:
        return Unsure("indices aren't known, and must not be negative")
    negative = [value for value in values if isinstance(value, int) and value < 0]
    return f"index {negative[0]} is negative" if negative else None


def _squares(view: View) -> str | None:
    values = view.value(1)
    return None if values and set(values) == {2} else f"power 2 only, not {values}"


def _one_exponent(view: View) -> str | None:
    values = view.value(1)
    return None if values and len(values) == 1 else "one stored exponent only"


def _inner_product(view: View) -> str | None:
    """Caffe's InnerProduct: a matrix times stored weights.

    Source: _convert_gemm in onnx2caffe's _operators.py.
    """
    if view.rank(view.input(0)) != 2 or view.rank(view.input(1)) != 2:
        return "2-D operands only"
    return None if view.is_weight(view.input(1)) else "weights must be stored in the model"


def _transposed_inner_product(view: View) -> str | None:
    if view.integer("transA", 0) != 0 or view.integer("transB", 0) != 1:
        return "transA=0 and transB=1 only"
    return _inner_product(view)


def _attribute_is(name: str, wanted: int, default: int) -> Rule:
    def rule(view: View) -> str | None:
        value = view.integer(name, default)
        return None if value == wanted else f"{name}={wanted} only, not {value}"

    return rule


def _dtypes(view: View) -> tuple[str | None, ...]:
    found = (view.graph.tensors.get(view.input(index)) for index in (0, 1))
    return tuple(None if tensor is None else tensor.dtype for tensor in found)


def _both_float32(view: View) -> str | None:
    found = _dtypes(view)
    return None if found == ("float32", "float32") else f"both inputs float32, not {found}"


def _htp_pair(view: View) -> str | None:
    found = _dtypes(view)
    ok = found in _HTP_PAIRS or _FLOATS.issuperset(found)
    return None if ok else f"float, u8/u8, u8/u16 or u16/u8 only, not {found}"


def _halves_alike(view: View) -> str | None:
    """Both directions of a recurrent layer have the same activations; so have the defaults."""
    names = view.op.attributes.get("activations")
    if view.text("direction", "forward") != "bidirectional" or not isinstance(names, tuple):
        return None
    half = len(names) // 2
    return None if names[:half] == names[half:] else "the same activations both ways only"


def _fully_connected_or_unsure(view: View) -> str | None:
    """As FullyConnected it runs; whether MatMul does isn't told."""
    is_product = fully_connected_4d(view) is None
    return None if is_product else Unsure("it becomes MatMul, not FullyConnected")


def _matrix_weights(view: View) -> str | None:
    ok = view.is_weight(view.input(1)) and view.rank(view.input(1)) == 2
    return None if ok else "2-D weights stored in the model only"


def _recurrent_or_stored(view: View) -> str | None:
    """Parameters of recurrent layers are weights and bias; of their first state nobody tells."""
    if view.op.op_type not in ("GRU", "LSTM", "RNN"):
        return stored_parameters(view)
    run_time = [name for name in view.op.inputs[1:4] if name and not view.is_weight(name)]
    if run_time:
        return f"parameter {run_time[0]!r} must be stored in the model"
    return None if stored_parameters(view) is None else Unsure("a first state made at run time")


def _one_d_indices(view: View) -> str | None:
    """Stored indices are converted; of others int32 is asked."""
    if view.rank(view.input(1)) != 1:
        return f"1-D indices only, not rank {view.rank(view.input(1))}"
    return _stored_or_int32(view)


def _float_only(view: View) -> str | None:
    found = {view.graph.tensors[name].dtype for name in view.data if name in view.graph.tensors}
    return None if found <= _FLOATS else f"float only, not {sorted(map(str, found))}"


def _no_lengths(view: View) -> str | None:
    return "no sequence_lens" if view.input(4) else None


_WEIGHTS = _stored_input(1, "weights")

STORED_CLAUSES: Mapping[str, Rule] = {
    "2-D weights": _matrix_weights,
    "FullyConnected only if transA=0, transB=1, 4-D input and const B": _fully_connected_or_unsure,
    "HTP quantised pairs u8/u8,u8/u16,u16/u8 (float via fp16)": _htp_pair,
    "allowzero 0": _attribute_is("allowzero", 0, 0),
    "as InnerProduct": _inner_product,
    "as InnerProduct with transB=1, const W": _transposed_inner_product,
    "bidirectional halves share activations": _halves_alike,
    "both inputs float32": _both_float32,
    "const B": _WEIGHTS,
    "const axis": _stored_input(1, "axis"),
    "const bias": _stored_input(2, "bias"),
    "const parameter inputs": _recurrent_or_stored,
    "const pads/axes": all_of(parameter_rule("pads", 1), _stored_input(3, "axes")),
    "const params preferred": _preferred,
    "const split": parameter_rule("split", 1),
    "const starts/ends/axes/steps": _slice_stored,
    "const weights preferred": _preferred,
    "else MatMul": anything,
    "first output": one_output,
    "float only": _float_only,
    "fp32 const weights": _float32_weights,
    "indices const unless int32": _stored_or_int32,
    "int32 1-D indices": _one_d_indices,
    "layout 0": _attribute_is("layout", 0, 0),
    "no SAME_* pad, output_shape, output_padding": all_of(_no_same_pad, no_output_padding),
    "no sequence_lens": _no_lengths,
    "non-negative indices": _no_negative_indices,
    "one axis": _one_axis,
    "power 2 only": _squares,
    "scalar exponent": _one_exponent,
    "static axes": parameter_rule("axes", 1),
    "static begin/size": _slice_stored,
    "static params": stored_parameters,
    "static perm": anything,
    "static shape input": _static_shape_input,
    "static weights": _WEIGHTS,
    "static weights and output size": all_of(_WEIGHTS, _not_empty),
    "static weights by default": _WEIGHTS,
    "static, non-empty": _not_empty,
}
"""Words to the rule that checks them."""
