"""Names of ONNX's operators."""

from functools import lru_cache

from hetsched.convert.capability_rows import near


@lru_cache(maxsize=1)
def op_names() -> frozenset[str]:
    """Of the domain ai.onnx, in any version."""
    import onnx  # heavy

    return frozenset(schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain)


def is_onnx_op(name: str) -> bool:
    """Whether ONNX has an operator of that name."""
    return name in op_names()


def near_op(name: str) -> str:
    """`did you mean ...? `, empty when no operator's name is like it."""
    lower = {known.lower(): known for known in sorted(op_names())}
    found = near(name, lower)
    return found if not found else found.replace(found.split("'")[1], lower[found.split("'")[1]])
