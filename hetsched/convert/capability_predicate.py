"""Constraints written as predicates: `when: rank(0) == 4 and attr("group", 1) == 1`.

The language is a part of Python's expressions: and, or, not, comparisons, `in`, + - * // %,
numbers, texts, tuples, and these functions of the op:

* `rank(i)`, `shape(i)`, `dim(i, k)`, `dtype(i)`: of input i; of output i as `out_rank(i)` and so
  on.
* `stored(i)`: whether input i is stored in the model.
* `attr(name, default)`: an attribute; a list is a tuple.
* `inputs`, `outputs`, `opset`: how many inputs and used outputs there are; the op set's version.

What isn't known (a rank, a dimension) is None, and a comparison with it is false.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from hetsched.convert.capability_view import View
from hetsched.errors import CapabilityError

PREFIX = "when:"

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_COUNTS = ("inputs", "outputs", "opset")
_FUNCTIONS: Mapping[str, int] = {
    "rank": 1, "shape": 1, "dim": 2, "dtype": 1, "stored": 1, "attr": 2,
    "out_rank": 1, "out_shape": 1, "out_dim": 2, "out_dtype": 1,
}  # fmt: skip
"""Name to the number of arguments."""


def predicate(text: str) -> Callable[[View], str | None]:
    """A rule from its words after `when:`.

    Raises:
        CapabilityError: naming what isn't part of the language.
    """
    tree = _parsed(text)

    def rule(view: View) -> str | None:
        try:
            holds = bool(_value(tree, view))
        except (TypeError, ZeroDivisionError, IndexError):
            holds = False
        return None if holds else f"needs {text}"

    return rule


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise CapabilityError(f"constraint {text!r} is no expression: {error.msg}") from None
    for node in ast.walk(tree):
        _check(node, text)
    return tree


def _check(node: ast.AST, text: str) -> None:
    simple = (ast.BoolOp, ast.boolop, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Constant,
              ast.Tuple, ast.Load, ast.BinOp)  # fmt: skip
    if isinstance(node, simple) or type(node) in _BINARY or type(node) in _COMPARE:
        return
    if isinstance(node, ast.Name) and (node.id in _COUNTS or node.id in _FUNCTIONS):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        wanted = _FUNCTIONS.get(node.func.id)
        if wanted == len(node.args):
            return
    known = ", ".join((*_FUNCTIONS, *_COUNTS))
    raise CapabilityError(
        f"constraint {text!r}: {ast.unparse(node) or type(node).__name__} isn't known: "
        f"take comparisons of {known}"
    )


def _value(node: ast.expr, view: View) -> Any:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(one, view) for one in values)
        case ast.BoolOp(values=values):
            return any(_value(one, view) for one in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, view)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, view)
        case ast.BinOp(left=left, op=sign, right=right):
            return _BINARY[type(sign)](_value(left, view), _value(right, view))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(one, view) for one in (left, *others)]
            pairs = zip(ops, values, values[1:], strict=False)
            return all(_COMPARE[type(sign)](a, b) for sign, a, b in pairs)
        case ast.Tuple(elts=elements):
            return tuple(_value(one, view) for one in elements)
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return {
                "inputs": sum(bool(i) for i in view.op.inputs),
                "outputs": len(view.made),
                "opset": view.op.opset,
            }[name]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, [_value(one, view) for one in arguments], view)
    return None


def _call(name: str, arguments: list[Any], view: View) -> Any:
    if name == "attr":
        return view.op.attributes.get(*arguments)
    names = view.op.outputs if name.startswith("out_") else view.op.inputs
    index = arguments[0]
    tensor_name = names[index] if 0 <= index < len(names) else ""
    tensor = view.graph.tensors.get(tensor_name)
    if name == "stored":
        return view.is_weight(tensor_name)
    if tensor is None:
        return None
    what = name.removeprefix("out_")
    if what == "dtype":
        return tensor.dtype
    if tensor.shape is None:
        return None
    if what == "rank":
        return len(tensor.shape)
    return tensor.shape if what == "shape" else tensor.shape[arguments[1]]
