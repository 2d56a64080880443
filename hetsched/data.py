"""Where the data folders are that travel with the package: `profiles` and `partitions`.

In a wheel they lie under `hetsched/_data/`; in a checkout, and in an editable install of one, they are
the folders at its top. The checkout wins where both exist, so that an edited profile takes effect.
"""

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
