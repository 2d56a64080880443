"""Rewrite rules of scenario 1: an op becomes supported ops that compute the same.

One rule per file, each with its check (why it doesn't apply) apart from its rewrite. The order
below is the order of trying.
"""

from collections.abc import Mapping

from hetsched.convert.rules import (
    clip_to_min_max,
    clip_to_relu,
    div_to_mul,
    div_to_reciprocal,
    elu_family,
    gelu,
    hard_sigmoid,
    hard_swish,
    leaky_relu,
    leaky_to_prelu,
    mish,
    relu_to_clip,
    softplus,
    stored_operand,
    sub_to_add,
    sum_to_add,
)
from hetsched.convert.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    stored_operand.RULE,
    sum_to_add.RULE,
    sub_to_add.RULE,
    div_to_mul.RULE,
    div_to_reciprocal.RULE,
    relu_to_clip.RULE,
    clip_to_min_max.RULE,
    clip_to_relu.RULE,
    leaky_to_prelu.RULE,
    leaky_relu.RULE,
    hard_sigmoid.RULE,
    hard_swish.RULE,
    mish.RULE,
    softplus.RULE,
    gelu.RULE,
    elu_family.RULE,
)


def _by_op() -> dict[str, tuple[Rule, ...]]:
    types = dict.fromkeys(op_type for rule in RULES for op_type in rule.ops)
    return {op_type: tuple(r for r in RULES if op_type in r.ops) for op_type in types}


BY_OP: Mapping[str, tuple[Rule, ...]] = _by_op()
"""Op type to the rules that replace it."""
