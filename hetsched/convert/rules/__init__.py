"""Rewrite rules of scenario 1: an op becomes supported ops that compute the same.

One rule per file, each with its check (why it doesn't apply) apart from its rewrite. The order of
`RULES` is the order of trying.
"""

from collections.abc import Mapping

from hetsched.convert.rules import (
    abs,
    batch_norm,
    batch_norm_fold,
    channel_shuffle,
    clip_to_min_max,
    clip_to_relu,
    conv_1d,
    conv_to_matmul,
    conv_transpose,
    conv_transpose_4d,
    conv_transpose_depth,
    depth_space,
    div_to_mul,
    div_to_reciprocal,
    elu_family,
    gather_to_slice,
    gelu,
    gemm_to_matmul,
    global_pool_to_pool,
    global_pool_to_reduce,
    grouped_conv,
    hard_sigmoid,
    hard_swish,
    instance_norm,
    layer_norm,
    leaky_relu,
    leaky_to_prelu,
    matmul_to_gemm,
    mish,
    neg_to_mul,
    pool_to_global,
    pow,
    product_to_conv,
    reciprocal_to_div,
    reduce_keepdims,
    relu_to_clip,
    resize_repeat,
    softmax,
    softmax_axis,
    softplus,
    split,
    sqrt_to_pow,
    stored_operand,
    sub_to_add,
    sum_to_add,
    to_reshape,
    void,
)
from hetsched.convert.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    void.RULE,
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
    abs.RULE,
    neg_to_mul.RULE,
    pow.RULE,
    reciprocal_to_div.RULE,
    sqrt_to_pow.RULE,
    batch_norm_fold.RULE,
    batch_norm.RULE,
    gemm_to_matmul.RULE,
    matmul_to_gemm.RULE,
    product_to_conv.RULE,
    grouped_conv.RULE,
    channel_shuffle.RULE,
    conv_to_matmul.RULE,
    pool_to_global.RULE,
    global_pool_to_reduce.RULE,
    global_pool_to_pool.RULE,
    reduce_keepdims.RULE,
    layer_norm.RULE,
    instance_norm.RULE,
    softmax_axis.RULE,
    softmax.RULE,
    depth_space.RULE,
    to_reshape.RULE,
    split.RULE,
    gather_to_slice.RULE,
    conv_transpose_depth.RULE,
    conv_transpose.RULE,
    conv_transpose_4d.RULE,
    resize_repeat.RULE,
    conv_1d.RULE,
    stored_operand.RULE,
)


def _by_op() -> dict[str, tuple[Rule, ...]]:
    types = dict.fromkeys(op_type for rule in RULES for op_type in rule.ops)
    return {op_type: tuple(r for r in RULES if op_type in r.ops) for op_type in types}


BY_OP: Mapping[str, tuple[Rule, ...]] = _by_op()
"""Op type to the rules that replace it."""
