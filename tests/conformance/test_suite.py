"""The ONNX backend suite, every op its own stage: a sample always, all of it with `-m full`."""

import random
from collections.abc import Callable

import pytest

from tests.conformance.cases import KINDS, case_names, cases
from tests.conformance.suite import exceptions, run_cases

SAMPLE = {"node": 90, "simple": 12, "pytorch-operator": 15, "pytorch-converted": 30, "light": 2}
"""About 150 cases, some of every kind. Most cases of the suite are of kind node."""


def sample(kind: str) -> tuple[str, ...]:
    """The same cases every time; listed exceptions are run by the full suite."""
    listed = exceptions()
    names = [name for name in case_names(kind) if f"{kind}/{name}" not in listed]
    if kind == "light":
        return ("test_squeezenet", "test_shufflenet")
    return tuple(sorted(random.Random(0).sample(names, SAMPLE[kind])))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_passes(kind: str) -> None:
    counts = run_cases(cases(kind, sample(kind)))
    assert counts.wrong == {}
    assert counts.total == SAMPLE[kind]
    assert counts.onnxruntime > SAMPLE[kind] / 2, counts.refused


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_suite_passes(kind: str, record_property: Callable[[str, object], None]) -> None:
    counts = run_cases(cases(kind))
    print(f"{kind}: {counts}")
    record_property("counts", str(counts))
    assert counts.wrong == {}
    assert counts.total == len(case_names(kind))


def test_every_listed_exception_is_a_case_with_a_reason() -> None:
    known = {f"{kind}/{name}" for kind in KINDS for name in case_names(kind)}
    for case, why in exceptions().items():
        assert case in known
        assert len(why) > 20
