"""Einsum's equations: letters per operand, the ellipsis spelled out."""

from collections.abc import Sequence
from dataclasses import dataclass

_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True)
class Equation:
    """A parsed equation.

    Attributes:
        terms: letters of each operand's axes; those of an ellipsis are digits, aligned at the end.
        output: letters of the output's axes.
    """

    terms: tuple[str, ...]
    output: str


def parse(text: str, ranks: Sequence[int]) -> Equation | str:
    """An equation for operands of these ranks, or why it isn't one."""
    left, arrow, right = text.replace(" ", "").partition("->")
    operands = left.split(",")
    if len(operands) != len(ranks):
        return f"it names {len(operands)} operands and has {len(ranks)}"
    named = [len(term.replace(_ELLIPSIS, "")) for term in operands]
    spare = [rank - count for rank, count in zip(ranks, named, strict=True)]
    for term, extra in zip(operands, spare, strict=True):
        if extra < 0 or (extra > 0 and _ELLIPSIS not in term):
            return f"{term!r} doesn't fit its operand's rank"
    most = max(extra if _ELLIPSIS in t else 0 for t, extra in zip(operands, spare, strict=True))
    digits = "0123456789"[:most]
    terms = tuple(
        term.replace(_ELLIPSIS, digits[most - extra :] if extra else "")
        for term, extra in zip(operands, spare, strict=True)
    )
    output = right.replace(_ELLIPSIS, digits) if arrow else digits + _implied("".join(terms))
    return Equation(terms, output)


def _implied(letters: str) -> str:
    """Without an arrow: the letters that occur once, sorted. Source: Einsum-12 of ONNX."""
    return "".join(sorted(x for x in set(letters) if letters.count(x) == 1 and x.isalpha()))
