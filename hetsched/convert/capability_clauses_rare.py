"""Constraints that one op or two have, word by word: single attributes and stored inputs.

Source: the `constraint` column of the tables in `data/`; attributes' defaults are ONNX's.
"""

from collections.abc import Mapping

from hetsched.convert.capability_clauses_windows import pads_up_to, ranks, values_of, window_of_op
from hetsched.convert.capability_rules import Rule, Unsure, all_of, anything, one_output
from hetsched.convert.capability_view import View
from hetsched.ir.graph import Attribute


def _attribute(name: str, default: Attribute, *accepted: Attribute) -> Rule:
    """An attribute has one of these values, or isn't there and its default is one."""

    def rule(view: View) -> str | None:
        value = view.op.attributes.get(name, default)
        listed = " or ".join(map(str, accepted))
        return None if value in accepted else f"{name} {listed} only, not {value}"

    return rule


def _near(name: str, wanted: float) -> Rule:
    """A float attribute is its default, as float32 keeps it."""

    def rule(view: View) -> str | None:
        value = view.op.attributes.get(name, wanted)
        ok = isinstance(value, int | float) and abs(value - wanted) < 1e-6 * wanted
        return None if ok else f"{name} {wanted} only, not {value}"

    return rule


def _stored_input(index: int, what: str) -> Rule:
    def rule(view: View) -> str | None:
        name = view.input(index)
        return None if not name or view.is_weight(name) else f"{what} must be stored in the model"

    return rule


def _has_blocksize(view: View) -> str | None:
    return None if "blocksize" in view.op.attributes else "attribute blocksize is missing"


def _zero_point_0(view: View) -> str | None:
    values = view.value(2)
    if values is None:
        return Unsure("the zero point isn't known, and must be 0")
    return f"zero point 0 only, not {max(values)}" if any(values) else None


def _two_to_four_outputs(view: View) -> str | None:
    count = len(view.made)
    if 2 <= count <= 4:
        return None
    return Unsure(f"2 to 4 outputs are documented, and it has {count}")


def _booleans(view: View) -> str | None:
    found = {view.graph.tensors[name].dtype for name in view.data if name in view.graph.tensors}
    return None if found <= {"bool"} else f"bool only, not {sorted(map(str, found))}"


def _float32_output(view: View) -> str | None:
    tensor = view.graph.tensors.get(view.op.outputs[0])
    dtype = None if tensor is None else tensor.dtype
    return None if dtype == "float32" else f"float32 output only, not {dtype}"


def _stride_is_window(view: View) -> str | None:
    window = window_of_op(view)
    strides = view.integers("strides") or (1,) * len(window or ())
    return None if strides == window else f"stride {strides} must be the window {window}"


RARE_CLAUSES: Mapping[str, Rule] = {
    "2-4 outputs documented": _two_to_four_outputs,
    "4-D or 5-D": ranks(4, 5),
    "K must be const": _stored_input(1, "K"),
    "ReLU negative_slope": anything,
    "avg": _attribute("mode", "avg", "avg"),
    "avg/max": _attribute("mode", "avg", "avg", "max"),
    "bias 0, lambd 0.5": all_of(_attribute("bias", 0.0, 0.0), _attribute("lambd", 0.5, 0.5)),
    "blocksize attribute required": _has_blocksize,
    "bool only": _booleans,
    "const depth": _stored_input(1, "depth"),
    "const depth/values": all_of(_stored_input(1, "depth"), _stored_input(2, "values")),
    "const k": _stored_input(1, "k"),
    # Source of the numbers: Selu in the ONNX specification.
    "default alpha/gamma": all_of(_near("alpha", 1.6732632), _near("gamma", 1.0507010)),
    "first output only": one_output,
    "float32 output": _float32_output,
    "fmod 0": _attribute("fmod", 0, 0),
    "multi-core yes": anything,
    "no blocked quantisation": _attribute("block_size", 0, 0),
    "no mask output": one_output,
    "no reduction": _attribute("reduction", "none", "none"),
    "no reduction attr": _attribute("reduction", "none", "none"),
    "no-op": anything,
    "p 1 or 2": _attribute("p", 2, 1, 2),
    "p=2": _attribute("p", 2, 2),
    "p=2 only": _attribute("p", 2, 2),
    "select_last_index 0": _attribute("select_last_index", 0, 0),
    "slope const at build time": _stored_input(1, "slope"),
    "static shape tensor": _stored_input(1, "shape"),
    "static slope": _stored_input(1, "slope"),
    "static split": _stored_input(1, "split"),
    "stride 1": values_of("strides", (1,)),
    "valid padding": pads_up_to(0),
    "window=stride": _stride_is_window,
    "zero point 0": _zero_point_0,
}
"""Words to the rule that checks them."""
