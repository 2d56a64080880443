"""Einsum to ReduceSum, Transpose, Reshape and MatMul, two operands at a time.

Handled: one operand and more, batch axes, sums, ellipses, outer products, with or without an arrow.
Refused: a letter twice in one operand (a diagonal), axes that broadcast, unknown shapes, other
dtypes than floats, empty tensors.
"""

from dataclasses import dataclass
from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.equation import Equation, parse
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float, static_shape
from hetsched.convert.rules.tape import Tape


@dataclass(frozen=True, slots=True)
class Term:
    """A value with a letter per axis."""

    value: ir.Value
    letters: str

    def size(self, letters: str) -> int:
        """Numbers along these axes together."""
        shape = known_shape(self.value)
        return prod(shape[self.letters.index(x)] for x in letters)


def check(site: Site) -> str | None:
    """None where it applies."""
    values = [value for value in site.node.inputs if value is not None]
    shapes = [static_shape(value) for value in values]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(values):
        return "its shape isn't known"
    found = _equation(site)
    if isinstance(found, str):
        return found
    if any(len(set(term)) < len(term) for term in (*found.terms, found.output)):
        return "a letter occurs twice in one operand"
    sizes: dict[str, int] = {}
    for term, shape in zip(found.terms, known, strict=True):
        for letter, size in zip(term, shape, strict=True):
            if size == 0 or sizes.setdefault(letter, size) != size:
                return "an axis broadcasts or is empty"
    return needs_float(site)


def _equation(site: Site) -> Equation | str:
    values = [value for value in site.node.inputs if value is not None]
    return parse(str(site.attribute("equation")), [len(known_shape(v)) for v in values])


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pairwise products from the left, then the order of the output."""
    found = _equation(site)
    assert isinstance(found, Equation)
    values = [value for value in site.node.inputs if value is not None]
    terms = [Term(value, letters) for value, letters in zip(values, found.terms, strict=True)]
    done = terms[0]
    for index, other in enumerate(terms[1:], start=1):
        later = "".join(term.letters for term in terms[index + 1 :]) + found.output
        done = _product(tape, done, other, later)
    done = _summed(tape, done, found.output)
    order = [done.letters.index(letter) for letter in found.output]
    return forms.transpose(tape, done.value, order)


def _summed(tape: Tape, term: Term, needed: str) -> Term:
    """Without the axes that nobody needs any more."""
    gone = [i for i, letter in enumerate(term.letters) if letter not in needed]
    if not gone:
        return term
    kept = "".join(letter for letter in term.letters if letter in needed)
    total = tape.reduce("ReduceSum", term.value, gone)
    shape = known_shape(total)
    left = [size for i, size in enumerate(shape) if i not in gone]
    return Term(tape.reshape(total, left), kept)


def _product(tape: Tape, left: Term, right: Term, needed: str) -> Term:
    """[batch, rows, summed] x [batch, summed, columns]."""
    left = _summed(tape, left, right.letters + needed)
    right = _summed(tape, right, left.letters + needed)
    both = [letter for letter in left.letters if letter in right.letters]
    batch = "".join(letter for letter in both if letter in needed)
    summed = "".join(letter for letter in both if letter not in needed)
    rows = "".join(letter for letter in left.letters if letter not in both)
    columns = "".join(letter for letter in right.letters if letter not in both)
    dims = [left.size(letter) for letter in batch + rows] + [right.size(x) for x in columns]
    a = _as_matrices(tape, left, (batch, rows, summed))
    b = _as_matrices(tape, right, (batch, summed, columns))
    return Term(forms.reshape(tape, tape.op("MatMul", a, b), dims), batch + rows + columns)


def _as_matrices(tape: Tape, term: Term, groups: tuple[str, str, str]) -> ir.Value:
    """The axes in this order, each group as one; no batch axis where there is none."""
    order = [term.letters.index(letter) for letter in "".join(groups)]
    value = forms.transpose(tape, term.value, order)
    shape = [term.size(group) for group in groups]
    return forms.reshape(tape, value, shape if groups[0] else shape[1:])


RULE = Rule(
    name="einsum", ops=("Einsum",), makes="ReduceSum, Transpose, Reshape, MatMul",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
