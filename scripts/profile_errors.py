"""Put the output of `hetsched profiles errors` into docs/calibration.md.

scripts/profile_errors.py [--check]
"""

import sys
from pathlib import Path

from hetsched.cli.profile_errors import markdown
from hetsched.soc.catalog import names, profile

DOC = Path(__file__).parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- errors -->\n", "<!-- end of errors -->\n"


def updated(text: str) -> str:
    """The document with the table of today's profiles."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    rows = "\n".join(markdown(profile(name) for name in names()))
    return f"{head}{BEGIN}{rows}\n{END}{tail}"


if __name__ == "__main__":
    old = DOC.read_text(encoding="utf-8")
    new = updated(old)
    if "--check" in sys.argv:
        sys.exit(0 if old == new else f"{DOC} is out of date: run {sys.argv[0]}")
    DOC.write_text(new, encoding="utf-8")
