"""Put three tables into docs/calibration.md: `hetsched profiles errors`, transfers, behaviours.

scripts/profile_errors.py [--check]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from behaviours import markdown as behaviours
from behaviours import profile

from hetsched.cli.profile_errors import markdown
from hetsched.cost.calibrate.features import published
from hetsched.cost.calibrate.prior import transferred
from hetsched.cost.calibrate.quality import absolute_errors, kendall_tau
from hetsched.cost.calibrate.rows import choose
from hetsched.cost.calibrate.rows import published as published_rows
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.catalog import names

FACTOR = 2
DOC = Path(__file__).parent.parent / "docs" / "calibration.md"
BIG, PLUS = ("rk3588", "cpu-big"), ("snapdragon-855-plus", "cpu-big")
LITTLE, SMALL = ("rk3588", "cpu-little"), ("rk3568", "cpu")
ADRENO_640, ADRENO_660 = ("snapdragon-855-plus", "gpu"), ("snapdragon-888", "gpu")
ADRENO_740 = ("snapdragon-8-gen-2", "gpu")
BOTH = ("float16", "int8")
PAIRS = (
    (BIG, PLUS, BOTH),
    (PLUS, BIG, BOTH),
    (LITTLE, SMALL, BOTH),
    (ADRENO_640, ADRENO_660, BOTH[:1]),
    (ADRENO_660, ADRENO_640, BOTH[:1]),
    (ADRENO_660, ADRENO_740, BOTH[:1]),
)
"""Units of the same core or family, both with rows: what the rates of one say about the other."""


def transfers() -> Iterator[str]:
    """One line per pair and dtype; the second unit's rows are not used."""
    head = ["from", "to", "dtype", "rows", "median error", "90th percentile"]
    head += ["predicted/measured", "within 2x", "tau"]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for source, target, dtypes in PAIRS:
        for dtype in dtypes:
            yield _transfer(source, target, dtype)


def _transfer(source: tuple[str, str], target: tuple[str, str], dtype: str) -> str:
    there, here = profile(source[0]), profile(target[0])
    unit = here.unit(target[1])
    found = choose(published_rows(), unit.calibrate[dtype].rows)
    rows = [row for row in found if row.key in published()]
    amounts = np.array([published()[row.key].amounts(ITEM_BITS[dtype] // 8) for row in rows])
    measured = np.array([row.ms * 1e6 for row in rows])
    moved = transferred(here, unit, there, there.unit(source[1]), dtype)
    predicted = unit.dispatch_ns + amounts @ moved
    errors = absolute_errors(predicted, measured)
    cells = [" ".join(source), " ".join(target), dtype, str(len(rows))]
    cells += [f"{np.median(errors):.0%}", f"{np.quantile(errors, 0.9):.0%}"]
    ratio = predicted / measured
    near = np.mean((ratio < FACTOR) & (ratio > 1 / FACTOR))
    cells += [f"{np.median(ratio):.2f}", f"{near:.0%}", f"{kendall_tau(predicted, measured):.2f}"]
    return "| " + " | ".join(cells) + " |"


def _replaced(text: str, name: str, lines: Iterator[str]) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    return head + begin + "\n".join(lines) + "\n" + end + tail


def updated(text: str) -> str:
    """The document with the tables of today's profiles."""
    text = _replaced(text, "errors", markdown(profile(name) for name in names()))
    text = _replaced(text, "transfers", transfers())
    return _replaced(text, "behaviours", behaviours())


if __name__ == "__main__":
    old = DOC.read_text(encoding="utf-8")
    new = updated(old)
    if "--check" in sys.argv:
        sys.exit(0 if old == new else f"{DOC} is out of date: run {sys.argv[0]}")
    DOC.write_text(new, encoding="utf-8")
