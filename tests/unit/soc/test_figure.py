import pytest

from hetsched.quantity import Origin
from hetsched.soc.figure import Figure, check


def figure(value: float = 2.0, unit: str = "us", low: float = 1.0, high: float = 1.0) -> Figure:
    return Figure(
        value=value, unit=unit, origin=Origin.ASSUMED, source="a test", low=low, high=high
    )


@pytest.mark.parametrize(
    ("unit", "dimension", "base"),
    [
        ("us", "time", 2e3),  # ns
        ("ms", "time", 2e6),
        ("GB/s", "bandwidth", 2e9),  # bytes per second
        ("GMAC/s", "rate", 2e9),
        ("W", "power", 2e3),  # mW
        ("MHz", "frequency", 2e6),
        ("KiB", "size", 2048.0),
    ],
)
def test_base_unit(unit: str, dimension: str, base: float) -> None:
    assert figure(unit=unit).base(dimension) == base  # type: ignore[arg-type]  # parametrised


def test_band_in_words() -> None:
    assert figure(low=0.8, high=1.25).band == "-20% +25%"
    assert figure().band == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "message"),
    [
        (-1.0, 1.0, 1.0, "value -1 must be"),
        (float("nan"), 1.0, 1.0, "value nan must be"),
        (float("inf"), 1.0, 1.0, "value inf must be"),
        (1.0, 0.0, 1.0, "low 0 must be"),
        (1.0, 1.1, 1.2, "low 1.1 must be"),
        (1.0, 1.0, 0.9, "high 0.9 must be"),
        (1.0, float("nan"), 1.0, "low nan must be"),
        (1.0, 1.0, float("nan"), "high nan must be"),
    ],
)
def test_impossible_numbers_are_refused(
    value: float, low: float, high: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        figure(value=value, low=low, high=high)


def test_a_figure_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="source is empty"):
        Figure(value=1, unit="us", origin=Origin.ASSUMED, source=" ")


def test_check_names_field_and_accepted_units() -> None:
    with pytest.raises(ValueError, match="dispatch: unit 'us' is not one of MMAC/s, GMAC/s"):
        check(figure(), "dispatch", "rate")
    with pytest.raises(ValueError, match="dense: value 0 must be above zero"):
        check(figure(value=0, unit="GMAC/s"), "dense", "rate", positive=True)
    check(None, "power", "power")
