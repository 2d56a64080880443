"""Matrix products. InnerProduct: outputs, bias, transpose, axis; MatMul: which input is stored."""

import numpy as np

from hetsched.convert.export.tnn.layer import RefusedError, Site, buffer

_BOTH_BLOBS = -1


def gemm(site: Site) -> None:
    """Gemm with a stored matrix: InnerProduct with weights [outputs, inputs] and a bias."""
    site.rank(2)
    if site.attr("transA", 0):
        raise RefusedError("it transposes its first input: InnerProduct doesn't")
    weights = site.constant(1, "matrix")
    if not site.attr("transB", 0):
        weights = weights.T
    alpha, beta = np.float32(site.attr("alpha", 1.0)), np.float32(site.attr("beta", 1.0))
    count = weights.shape[0]
    bias = np.zeros(count, weights.dtype)
    if site.has(2):
        given = site.constant(2, "bias")
        if given.size not in (1, count):
            raise RefusedError(f"its bias has {given.size} values: InnerProduct wants {count}")
        bias = np.broadcast_to(given.reshape(-1), (count,))
    body = buffer(weights * alpha) + buffer(bias * beta)
    site.add("InnerProduct", count, 1, 0, 1, body=body, named=True)


def matmul(site: Site) -> None:
    """MatMul of two blobs, or of a blob and a stored matrix."""
    stored = [index for index in (0, 1) if site.is_constant(index)]
    if not stored:
        site.add("MatMul", _BOTH_BLOBS, inputs=[site.blob(0), site.blob(1)])
        return
    index = stored[0]
    weights = site.constant(index, "matrix")
    if weights.ndim < 2:
        raise RefusedError("its stored input is a vector: MatMul takes matrices")
    site.add("MatMul", index, inputs=[site.blob(1 - index)], body=buffer(weights))


CONVERTERS = {"Gemm": gemm, "MatMul": matmul}
