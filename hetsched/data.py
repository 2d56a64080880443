"""Folders: the data that travels with the package (`profiles`, `partitions`), and the cache.

In a wheel the data lies under `hetsched/_data/`; in a checkout, and in an editable install of one,
it is the folders at its top. The checkout wins where both exist, so that an edited profile takes
effect.
"""

import os
from pathlib import Path
from typing import Literal

from hetsched.errors import HetschedError

_PACKAGE = Path(__file__).parent


def data_dir(kind: Literal["profiles", "partitions"]) -> Path:
    """The folder of that kind.

    Raises:
        HetschedError: when the installation lacks it.
    """
    checkout = _PACKAGE.parent
    candidates = [_PACKAGE / "_data" / kind]
    if (checkout / "pyproject.toml").is_file() and (checkout / "native").is_dir():
        candidates.insert(0, checkout / kind)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise HetschedError(
        f"the folder {kind!r} is missing from this installation: looked for "
        f"{' and '.join(str(c) for c in candidates)}; reinstall hetsched"
    )


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/hetsched`, else `~/.cache/hetsched`; not created here.

    Source: XDG Base Directory Specification 0.8: a relative path in the variable is to be ignored.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (configured if configured.is_absolute() else Path.home() / ".cache") / "hetsched"
