"""From a recipe to rates, and into the file."""

import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.calibrate.features import Features, published
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.calibrate.prior import coefficients, transferred, typical
from hetsched.cost.calibrate.profile import calibrate_profile, differences, tables
from hetsched.cost.calibrate.rows import Row
from hetsched.cost.calibrate.unit import Tables, calibrate
from hetsched.cost.calibrate.write import with_results
from hetsched.errors import CostError
from hetsched.soc.calibration import Like, Recipe, Select
from hetsched.soc.catalog import names, parse, profile
from hetsched.soc.profile import Memory, Profile, Rates, Unit
from hetsched.soc.skeleton import skeleton
from tests.unit.cost.nets import mobilenet_v1
from tests.unit.soc.samples import number, rates, unit

CALIBRATED = [name for name in names() if any(unit.calibrate for unit in profile(name).units)]


def row(model: str, shape: str, ms: float, soc: str = "x") -> Row:
    return Row("t:1", soc, "cpu", "ncnn", "4", "fp32", model, shape, "", "", ms)


def one(recipe: Recipe, peak: float = 40, ghz: float = 2.0, cores: int = 1) -> Profile:
    """A profile of one float32 CPU."""
    cpu = msgspec.structs.replace(
        unit("cpu", rates={"float32": rates(10, 5, 4)}),
        peak=number(peak, "GMAC/s"),
        frequency=number(ghz, "GHz"),
        cores=cores,
        calibrate={"float32": recipe},
    )
    return Profile(name="one", home="cpu", units=(cpu,))


def calibrated(soc: Profile, rows: tuple[Row, ...] = ()) -> Rates:
    found, _ = calibrate(soc, soc.units[0], "float32", Tables(rows, published()), profile)
    return found


def values(found: Rates | Unit) -> list[float]:
    made = found if isinstance(found, Rates) else found.rates["float32"]
    return [figure.value for figure in made.stated().values()]


EVERYTHING = Recipe(rows=(Select(soc="x", unit="cpu"),))


def synthetic(scale: float = 1.0) -> tuple[Row, ...]:
    """All published networks on a unit of 20, 40, 10, 8, 4 GMAC/s, 5, 8, 12 GB/s, 6 and 10 us."""
    true = scale * np.array([1 / 20, 1 / 40, 1 / 10, 1 / 8, 1 / 4, 1 / 5, 1 / 8, 1 / 12, 6000.0])
    return tuple(
        row(model, shape, 0.01 + float(np.array(features.amounts(4)) @ true) / 1e6)
        for (model, shape), features in published().items()
    )


def test_rates_of_made_up_rows_are_found_again() -> None:
    soc = one(EVERYTHING)
    found, record = calibrate(
        soc, soc.units[0], "float32", Tables(synthetic(), published()), profile
    )
    assert found.pointwise.value == pytest.approx(20, rel=0.03)
    assert found.figure("winograd").value == pytest.approx(40, rel=0.03)
    assert found.activations.value == pytest.approx(8, rel=0.15)
    assert record.validated
    assert record.loo_median is not None
    assert record.loo_median < 0.02
    assert record.tau == pytest.approx(1.0, abs=0.01)
    assert record.models == len({model for model, _ in published()})
    assert found.pointwise.low > 0.9


def test_what_was_fitted_is_what_the_cost_model_says() -> None:
    """The sum over a graph's groups is what its features amount to at the same rates."""
    graph, soc = mobilenet_v1(), one(EVERYTHING)
    costs = cost_table(graph, soc, refusals(graph, soc)).costs
    total = sum(cost.latency_ns for cost in costs.values())
    expected = np.array(graph_features(graph).amounts(4)) @ coefficients(soc.units[0], "float32")
    assert total == pytest.approx(float(expected), rel=0.001)


def test_no_rate_exceeds_the_peak() -> None:
    """Depthwise at 4 GMAC/s and all else hardly any time: 1x1 would come out above 15."""
    soc = one(EVERYTHING, peak=20)
    found = calibrated(soc, synthetic(1.0))
    for field in ("pointwise", "spatial", "grouped", "depthwise"):
        assert found.figure(field).value <= 20
    assert found.figure("winograd").value <= 20 * 5.0625


def test_rows_beyond_the_peak_are_refused() -> None:
    with pytest.raises(CostError, match=r"beyond the physical peak of 5 GMAC/s"):
        calibrated(one(EVERYTHING, peak=5), synthetic())


def test_rows_that_match_nothing_are_named() -> None:
    with pytest.raises(CostError, match=r"one, unit 'cpu', float32: .* has soc = x, unit = cpu:"):
        calibrated(one(EVERYTHING), ())


def test_without_rows_rates_are_typical_and_assumed() -> None:
    """0.6 and 1.5 of 40 GMAC/s, within a factor of two."""
    found = calibrated(one(Recipe()))
    assert (found.pointwise.value, found.figure("winograd").value) == (24, 60)
    assert found.pointwise.origin == "assumed"
    assert (found.pointwise.low, found.pointwise.high) == (0.5, 2)


def test_transfer_goes_by_clock_and_by_the_smaller_of_clock_and_bandwidth() -> None:
    """2 to 3 GHz: 10 to 15 GMAC/s, 4 to 2.67 us; half the bandwidth: 5 to 2.5 GB/s."""
    source, target = one(Recipe()), one(Recipe(), ghz=3.0)
    moved = transferred(target, target.units[0], source, source.units[0], "float32")
    assert moved == pytest.approx([1 / 15] * 5 + [1 / 7.5] * 3 + [4000 / 1.5])
    wide, narrow = (
        msgspec.structs.replace(soc, memory=Memory(kind="m", bandwidth=number(value, "GB/s")))
        for soc, value in ((source, 20), (target, 10))
    )
    moved = transferred(narrow, narrow.units[0], wide, wide.units[0], "float32")
    assert moved == pytest.approx([1 / 15] * 5 + [1 / 2.5] * 3 + [4000 / 1.5])


def test_transfer_goes_by_what_units_get_of_the_memory_where_both_say_so() -> None:
    """Pins 20 and 10 GB/s, of which 8 and 2 arrive: bytes take 4 times as long."""
    source, target = (
        msgspec.structs.replace(
            one(Recipe()),
            memory=Memory(kind="m", bandwidth=number(pins, "GB/s"), usable=number(usable, "GB/s")),
        )
        for pins, usable in ((20, 8), (10, 2))
    )
    moved = transferred(target, target.units[0], source, source.units[0], "float32")
    assert moved == pytest.approx([1 / 10] * 5 + [4 / 5] * 3 + [4000])


def test_transfer_widens_the_band() -> None:
    """rk3588's big cores at half the clock: half the rate, the source's band times 1.2, and times
    1.6 because the bandwidth here isn't known.
    """
    recipe = Recipe(like=Like(profile="rk3588", unit="cpu-big", dtype="float16"))
    source = profile("rk3588").unit("cpu-big")
    figure = source.rates["float16"].pointwise
    found = calibrated(one(recipe, peak=200, ghz=1.2, cores=4))
    assert found.pointwise.value == pytest.approx(figure.value / 2, rel=0.001)
    assert found.pointwise.low == pytest.approx(figure.low / 1.92, rel=0.01)
    assert found.pointwise.high == pytest.approx(figure.high * 1.92, rel=0.01)
    assert found.pointwise.origin == "calibrated"


def test_transfer_between_different_numbers_of_cores_is_refused() -> None:
    recipe = Recipe(like=Like(profile="rk3588", unit="cpu-big", dtype="float16"))
    with pytest.raises(CostError, match="4 cores there, 2 here, must be as many"):
        calibrated(one(recipe, cores=2))


def test_unknown_peak_is_refused() -> None:
    soc = one(Recipe())
    cpu = msgspec.structs.replace(soc.units[0], peak=None)
    with pytest.raises(CostError, match="unit 'cpu' has no peak for float32: state it as"):
        typical(cpu, "float32")


TEXT = """# head comment
schema = 1
name = "t"
home = "cpu"

# about the first
[[units]]
name = "cpu"  # its name
kind = "cpu"
dtype = "float32"
framework = "ncnn"
backend = "cpu-arm"
peak = { value = 40, unit = "GMAC/s", origin = "assumed", source = "a test" }
dispatch = { value = 1, unit = "us", origin = "assumed", source = "a test" }

[units.rates.float32]
old = 1

[units.calibrate.float32]

# about the link
[[links]]
between = ["cpu", "gpu"]
"""


def test_writing_replaces_rates_and_nothing_else() -> None:
    soc = one(Recipe())
    results = calibrate_profile(soc, Tables((), published()), profile)
    text = with_results(TEXT, results)
    again = with_results(text, results)
    assert text == again
    assert "old = 1" not in text
    for line in ("# head comment", 'name = "cpu"  # its name', "[units.calibrate.float32]"):
        assert line in text
    assert text.index("[units.rates.float32]") < text.index("# about the link\n[[links]]")
    raw = tomllib.loads(text)
    found = msgspec.convert(raw["units"][0]["rates"]["float32"], Rates)
    assert found == results["cpu", "float32"][0]


def test_a_skeleton_is_a_profile_with_typical_rates() -> None:
    soc = parse(tomllib.loads(skeleton("my-soc")), "skeleton")
    results = calibrate_profile(soc, Tables((), published()), profile)
    assert list(differences(soc, results)) == []


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_profiles_rates_are_what_its_recipes_give(name: str) -> None:
    soc = profile(name)
    results = calibrate_profile(soc, tables(), profile)
    assert list(differences(soc, results)) == []
    for unit_name, dtype in results:
        stored = soc.unit(unit_name).calibration[dtype]
        assert stored.rows_sha256 == results[unit_name, dtype][1].rows_sha256


def test_features_of_a_model_that_nobody_knows_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text("soc,unit,dtype,model,input_shape,ms\nx,cpu,fp32,nobody,1x3,5\n")
    with pytest.raises(CostError, match=r"my.csv:2: no features of nobody 1x3: add them with"):
        tables(path)


def test_an_unknown_shape_is_refused() -> None:
    recipe = Recipe(rows=(Select(soc="x", unit="cpu", framework="ncnn"),), shape="cpu-huge")
    with pytest.raises(CostError, match="shape 'cpu-huge' is not one of cpu-big, cpu-little, gpu"):
        calibrated(one(recipe), synthetic())


def test_own_features_are_used(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    path.write_text(
        "model,input_shape,mmac_conv1x1,mmac_conv_other,mmac_dwconv,mmac_fc,activation_melems,"
        "kernels\nmine,1x3,1,2,3,4,5,6\n"
    )
    found = tables(features=path).features["mine", "1x3"]
    assert found == Features(1e6, 0, 2e6, 0, 3e6, 4e6, 5e6, 0, 6.0)
