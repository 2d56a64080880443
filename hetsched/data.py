"""Folders: the data that travels with the package, and the cache.

In a wheel the data lies under `hetsched/_data/`; in a checkout, and in an editable install of one,
it is folders of its own. The checkout wins where both exist, so that an edited profile takes
effect.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from hetsched.errors import HetschedError

_PACKAGE = Path(__file__).parent
_Kind: TypeAlias = Literal["profiles", "partitions", "opencl"]
_IN_CHECKOUT: Mapping[_Kind, str] = {
    "profiles": "profiles",
    "partitions": "partitions",
    "opencl": "native/opencl",
}


def data_dir(kind: _Kind) -> Path:
    """The folder of that kind: SoC profiles, reference plans, OpenCL kernels.

    Raises:
        HetschedError: when the installation lacks it.
    """
    checkout = _PACKAGE.parent
    candidates = [_PACKAGE / "_data" / kind]
    if (checkout / "pyproject.toml").is_file() and (checkout / "native").is_dir():
        candidates.insert(0, checkout / _IN_CHECKOUT[kind])
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
