"""Put what `make demo` prints now into README.md, without the table's middle.

python scripts/readme_output.py
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
HEAD, TAIL = 5, 2
"""Rows of the plan's table that are shown."""


def hetsched(*words: str) -> list[str]:
    """Lines that a command prints at 80 columns."""
    done = subprocess.run(
        [sys.executable, "-m", "hetsched", *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return [line.rstrip() for line in done.stdout.splitlines()]


def shortened(lines: list[str]) -> Iterator[str]:
    """The plan without the middle of its table, and without where it was written."""
    rows = [at for at, line in enumerate(lines) if re.match(r"s\d+ ", line)]
    left_out = rows[HEAD:-TAIL]
    for at, line in enumerate(lines):
        if left_out and at == left_out[0]:
            yield f"...  ({len(left_out)} more)"
        if at not in left_out and not line.startswith("written to "):
            yield line


def main() -> None:
    """Run the demo's two commands and replace README's text block."""
    with tempfile.TemporaryDirectory() as folder:
        plan = str(Path(folder) / "plan.json")
        planned = hetsched("plan", "zoo:ppocr-det", "--profile", "helio-g90", "-o", plan)
        ran = hetsched("run", plan, "--verify")
    verdict = ran[next(at for at, line in enumerate(ran) if line.startswith("verified")) :]
    block = [
        "$ hetsched plan zoo:ppocr-det --profile helio-g90 -o build/demo/ppocr-det.plan.json",
        *shortened(planned),
        "$ hetsched run build/demo/ppocr-det.plan.json --verify",
        "...",
        *verdict,
    ]
    text = README.read_text(encoding="utf-8")
    fenced = "```text\n" + "\n".join(block) + "\n```"
    changed = re.sub(r"```text\n\$ hetsched plan.*?\n```", lambda _: fenced, text, flags=re.DOTALL)
    README.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    main()
