"""What it takes to bring a tensor from one unit's memory to another's."""

from hetsched.ir.graph import Tensor
from hetsched.quantity import End
from hetsched.soc.profile import Profile

# Dtypes that a unit stores in its own arithmetic dtype.
_FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})


def transfer_ns(
    tensor: Tensor, profile: Profile, source: str, target: str, end: End = End.ESTIMATE
) -> int:
    """Time of one copy: latency + bytes / bandwidth + bytes / conversion.

    Bytes are those of the tensor in the model's dtype; an unknown size counts as 0. The conversion
    is paid by float tensors between units that compute in different dtypes.

    Source: on the SoCs of this class the units share the DRAM, so that a copy is a mapping and a
    flush (`latency`) and a change of layout (`bandwidth`), see the links of each profile.

    Args:
        tensor: what is copied.
        profile: whose link is used.
        source: name of the unit that has the tensor.
        target: name of the unit that needs it.
        end: the estimate, or an end of its error band.

    Returns:
        0 between a unit and itself.

    Raises:
        ProfileError: unknown unit.
    """
    link = profile.link(source, target)
    if link is None:
        return 0
    total = link.latency.fixed_ns(end)
    size = tensor.nbytes() or 0
    if link.bandwidth is not None:
        total += link.bandwidth.amount_ns(size, "bandwidth", end)
    differ = profile.unit(source).dtype != profile.unit(target).dtype
    if link.conversion is not None and differ and tensor.dtype in _FLOATS:
        total += link.conversion.amount_ns(size, "bandwidth", end)
    return round(total)
