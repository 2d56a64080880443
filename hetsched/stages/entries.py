"""What a ready-made stage reads: an array, or an entry of the arrays by name that a model gives."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hetsched.errors import RunError


def array_of(value: Any, name: str | None, stage: str) -> np.ndarray:
    """An array itself, the entry of that name, or the only entry there is.

    Args:
        value: an array or a mapping of arrays.
        name: of the entry; None for the only one.
        stage: for the message.

    Raises:
        RunError: saying what is there instead.
    """
    found = value
    if isinstance(value, Mapping):
        if name is None and len(value) == 1:
            found = next(iter(value.values()))
        elif name in value:
            found = value[name]
        else:
            have = ", ".join(map(str, value)) or "nothing"
            raise RunError(f"{stage} reads {name or 'one array'!r}: there is {have}; name it")
    if not isinstance(found, np.ndarray):
        raise RunError(f"{stage} takes an array, not a {type(found).__name__}")
    return found


def check_rank(array: np.ndarray, wanted: str, rank: int, stage: str) -> None:
    """Refuse an array of another number of dimensions.

    Raises:
        RunError: with the shape that there is and the one that is wanted.
    """
    if array.ndim != rank:
        raise RunError(f"{stage} takes an array of shape {wanted}, not {array.shape}")
