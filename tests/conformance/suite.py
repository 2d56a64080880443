"""Runs cases and counts; `python -m tests.conformance.suite [KIND ...]` prints what it found."""

import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hetsched.backends.ort import OrtBackend
from hetsched.runtime import RuntimeUnit
from tests.conformance.cases import KINDS, Case, cases
from tests.conformance.pipeline import UNITS, hetsched_failure, onnxruntime_failure

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")


def exceptions() -> dict[str, str]:
    """Case to the reason why it can't pass with every op its own stage."""
    listed = tomllib.loads(EXCEPTIONS.read_text())
    return {f"{kind}/{name}": why for kind, rows in listed.items() for name, why in rows.items()}


@dataclass(slots=True)
class Counts:
    """What came of some cases.

    Attributes:
        total: cases seen.
        onnxruntime: cases that ONNX Runtime passes on its own.
        passed: of those, cases that pass here.
        excepted: of those, cases that fail as listed.
        wrong: what isn't as it should be: case to reason.
        refused: cases that ONNX Runtime doesn't pass: case to reason.
    """

    total: int = 0
    onnxruntime: int = 0
    passed: int = 0
    excepted: int = 0
    wrong: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.total} cases: ONNX Runtime passes {self.onnxruntime}; of those "
            f"{self.passed} pass with every op its own stage, {self.excepted} fail as listed, "
            f"{len(self.wrong)} are wrong"
        )


def run_cases(chosen: Iterable[Case]) -> Counts:
    """Every case that ONNX Runtime passes must pass here, and every listed exception must fail."""
    counts, listed = Counts(), exceptions()
    with tempfile.TemporaryDirectory() as folder:
        backend = OrtBackend(cache_dir=Path(folder) / "cache")
        units = [RuntimeUnit(name=name, backend=backend) for name in UNITS]
        for case in chosen:
            counts.total += 1
            alone = onnxruntime_failure(case)
            if alone is not None:
                counts.refused[case.id] = alone
                continue
            counts.onnxruntime += 1
            failure = hetsched_failure(case, Path(folder), units)
            _count(counts, case.id, failure, listed.get(case.id))
    return counts


def _count(counts: Counts, case: str, failure: str | None, listed: str | None) -> None:
    if failure is None and listed is None:
        counts.passed += 1
    elif failure is None:
        counts.wrong[case] = f"passes, but is listed as an exception: {listed}"
    elif listed is None:
        counts.wrong[case] = failure
    else:
        counts.excepted += 1


def main() -> None:
    """Count per kind."""
    for kind in sys.argv[1:] or KINDS:
        counts = run_cases(cases(kind))
        print(f"{kind}: {counts}", flush=True)
        for case, why in counts.wrong.items():
            print(f"  {case}: {' '.join(why.split())[:300]}", flush=True)


if __name__ == "__main__":
    main()
