"""Measurements corrected by what stages took in an application."""

from hetsched.cost.observed import Observed, corrected
from hetsched.cost.store_records import MODEL, Measurement, Part
from hetsched.quantity import Origin

KNOWN = Measurement(
    kind=MODEL,
    digest="1" * 64,
    measured_at="2026-01-01T00:00:00+00:00",
    origin=Origin.MEASURED,
    dtype="float32",
    runs=100,
    latency_ns=1000,
    low_ns=900,
    high_ns=1200,
    parts=(
        Part(name="a", ops=("a", "a2"), latency_ns=300, low_ns=290, high_ns=320),
        Part(name="b", ops=("b",), latency_ns=100, low_ns=90, high_ns=120),
        Part(name="c", ops=("c",), latency_ns=500, low_ns=480, high_ns=550),
    ),
)
LATER = "2026-02-01T00:00:00+00:00"


def seen(*ops: str, latency_ns: int = 700) -> Observed:
    return Observed(ops=ops, latency_ns=latency_ns, low_ns=500, high_ns=900, runs=40)


def test_a_stages_parts_and_its_dispatch_add_up_to_what_it_took() -> None:
    found, count = corrected(KNOWN, [seen("a", "a2", "b")], 100, LATER)
    # (700 - 100) over 300 and 100: 450 and 150; low (500 - 100), high (900 - 100) likewise.
    assert count == 1
    assert [(part.low_ns, part.latency_ns, part.high_ns) for part in found.parts] == [
        (300, 450, 600),
        (100, 150, 200),
        (480, 500, 550),
    ]
    # The whole takes 200 more; its band stays as wide in proportion.
    assert (found.low_ns, found.latency_ns, found.high_ns) == (1080, 1200, 1440)
    assert (found.runs, found.measured_at, found.origin) == (40, LATER, Origin.MEASURED)


def test_a_stage_that_cuts_through_a_group_says_nothing() -> None:
    assert corrected(KNOWN, [seen("a", "b")], 100, LATER) == (KNOWN, 0)
    assert corrected(KNOWN, [seen("elsewhere")], 100, LATER) == (KNOWN, 0)


def test_other_stages_still_count() -> None:
    found, count = corrected(KNOWN, [seen("a", "b"), seen("c")], 100, LATER)
    assert count == 1
    assert [part.latency_ns for part in found.parts] == [300, 100, 600]
