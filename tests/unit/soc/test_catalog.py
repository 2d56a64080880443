import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hetsched.errors import ProfileError
from hetsched.quantity import Origin
from hetsched.soc.catalog import names, parse, profile
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Profile
from tests.unit.soc.samples import MINIMAL, README


def raw() -> dict[str, Any]:
    return copy.deepcopy(tomllib.loads(MINIMAL))


def figures(struct: Any, at: str = "") -> list[tuple[str, Figure]]:
    """Every figure inside a struct, with the place it was found at."""
    if isinstance(struct, Figure):
        return [(at, struct)]
    if isinstance(struct, tuple):
        items: Any = enumerate(struct)
    elif isinstance(struct, dict):
        items = struct.items()
    elif hasattr(struct, "__struct_fields__"):
        items = ((field, getattr(struct, field)) for field in struct.__struct_fields__)
    else:
        return []
    return [found for key, value in items for found in figures(value, f"{at}.{key}")]


def test_minimal_example_of_the_readme_is_a_profile() -> None:
    soc = parse(raw(), "README.md")
    assert [unit.name for unit in soc.units] == ["cpu", "gpu"]
    assert soc.unit("gpu").dispatch_ns == 200_000
    assert soc.unit("cpu").power_mw is None
    assert soc.unit("cpu").memory_bytes is None


def test_minimal_example_loads_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert profile(str(path)) == parse(raw(), "x")


def test_readme_names_every_key() -> None:
    text = README.read_text(encoding="utf-8")
    soc = profile("helio-g90")
    structs = [
        soc,
        soc.units[0],
        soc.links[0],
        soc.units[0].rates["float32"],
        soc.units[0].dispatch,
    ]
    for struct in structs:
        for field in struct.__struct_fields__:
            assert f"`{field}`" in text or f"[{field}]" in text or f"units.{field}." in text, field


@pytest.mark.parametrize("name", names())
def test_every_profile_is_named_as_its_file_and_sourced(name: str) -> None:
    soc = profile(name)
    assert soc.name == name
    for at, figure in figures(soc):
        assert len(figure.source) >= 10, f"{at}: {figure.source!r} is no source"
    for unit in soc.units:
        assert unit.rates, f"{unit.name} has no rates"


def test_clocks_and_sleep_of_helio_g90() -> None:
    """From the vendor kernel: the APU is powered for 2 s, at 137 to 750 MHz; waking is unknown."""
    soc = profile("helio-g90")
    apu = soc.unit("apu")
    assert apu.levels is not None
    assert (apu.levels.mhz[0], apu.levels.mw[-1]) == (750, 138)
    assert apu.idle is not None
    assert apu.idle.keep is not None
    assert (apu.idle.keep.base("time"), apu.idle.wake) == (2e9, None)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("levels", {"mhz": [1, 2]}, r"levels.mhz must fall from the highest"),
        ("levels", {"mhz": []}, r"levels.mhz must be a list of clocks above zero"),
        ("levels", {"mhz": [2, 1], "mw": [5]}, r"levels.mw has 1 numbers for 2 clocks"),
        ("levels", {"mhz": [2, 1], "mw": [5, -1]}, r"levels.mw -1 must be zero or more"),
        ("idle", {"keep": {"value": 1, "unit": "W"}}, r"idle.keep: unit 'W' is not one of ns, us"),
    ],
)
def test_wrong_clocks_are_refused(place: str, value: dict[str, Any], message: str) -> None:
    content = raw()
    described = {"origin": "assumed", "source": "a test"}
    if place == "levels":
        value = {**value, **described}
    else:
        value = {"keep": {**value["keep"], **described}}
    content["units"][0][place] = value
    with pytest.raises(ProfileError, match=message) as error:
        parse(content, "mine.toml")
    assert "mine.toml" in str(error.value)


def test_modes_and_heat_are_checked_and_no_part_of_the_digest() -> None:
    content = raw()
    before = parse(raw(), "x").sha256
    content["modes"] = [{"name": "slow", "slowdown": {"gpu": 2.0}, "source": "a test"}]
    content["thermal"] = {"notes": ["hot"]}
    assert parse(content, "x").sha256 == before
    content["modes"][0]["slowdown"] = {"dla": 2.0}
    with pytest.raises(
        ProfileError, match="mode 'slow' slows unknown unit 'dla': units are cpu, gpu"
    ):
        parse(content, "x")
    content["modes"][0]["slowdown"] = {"gpu": 0.0}
    with pytest.raises(ProfileError, match=r"mode 'slow': slowdown\.gpu 0 is no factor"):
        parse(content, "x")


@pytest.mark.parametrize("key", ["name", "unit"])
def test_an_empty_name_is_refused(key: str) -> None:
    content = raw()
    (content if key == "name" else content["units"][0])["name"] = " "
    with pytest.raises(ProfileError, match=r"profile mine\.toml: .*name is empty"):
        parse(content, "mine.toml")


def test_the_host_is_among_the_known_profiles() -> None:
    with pytest.raises(ProfileError, match=r"did you mean 'host'\? .*snapdragon-888, and host; a"):
        profile("hots")


def test_helio_g90_units() -> None:
    soc = profile("helio-g90")
    assert [(u.name, u.kind, u.dtype, u.framework, u.backend) for u in soc.units] == [
        ("cpu-big", "cpu", "float32", "onnxruntime", "cpu"),
        ("cpu-little", "cpu", "float32", "onnxruntime", "cpu"),
        ("gpu", "gpu", "float16", "mace", "gpu-opencl"),
        ("apu", "npu", "int8", "mace", "apu"),
    ]
    # 2 x (848 + 393) mW and 6 x (174 + 76) mW, from the vendor kernel's power table.
    assert soc.unit("cpu-big").power_mw == pytest.approx(2 * (847.967 + 392.972), rel=1e-3)
    assert soc.unit("cpu-little").power_mw == pytest.approx(6 * (174.095 + 76.151), rel=1e-3)


def test_helio_g90_claims_no_measurement() -> None:
    """No network was measured on a single unit of this chip, so no rate may say so."""
    assert all(f.origin is not Origin.MEASURED for _, f in figures(profile("helio-g90")))


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    spaced = tmp_path / "spaced.toml"
    text = "# a comment\n" + MINIMAL.replace("value = 20,", "value =  20.0,").replace("\n\n", "\n")
    spaced.write_text(text, encoding="utf-8")
    same = profile(str(spaced))
    assert same.sha256 == parse(raw(), "x").sha256
    changed = raw()
    changed["units"][0]["dispatch"]["value"] = 51
    assert parse(changed, "x").sha256 != same.sha256
    assert re.fullmatch("[0-9a-f]{64}", same.sha256)


def test_digest_leaves_out_words_for_people() -> None:
    reworded = raw()
    reworded["title"] = "Two units"
    reworded["units"][0]["dispatch"]["source"] = "a better guess"
    assert parse(reworded, "x").sha256 == parse(raw(), "x").sha256
    other = raw()
    other["units"][0]["dispatch"]["origin"] = "measured"
    assert parse(other, "x").sha256 != parse(raw(), "x").sha256


def test_digest_counts_a_default_as_left_out() -> None:
    spelled = raw()
    spelled["units"][0]["dispatch"]["low"] = 1.0
    spelled["units"][0]["cores"] = 1
    spelled["unknown"] = []
    assert parse(spelled, "x").sha256 == parse(raw(), "x").sha256


def refused(content: dict[str, Any]) -> str:
    with pytest.raises(ProfileError) as error:
        parse(content, "soc.toml")
    message = str(error.value)
    assert "soc.toml" in message
    assert "\n" not in message
    return message


def test_unknown_keys_name_place_and_accepted() -> None:
    top = raw()
    top["frequencies"] = 1
    assert "unknown key 'frequencies': accepted are schema, name" in refused(top)
    unit = raw()
    unit["units"][1]["clock"] = 1
    assert "unknown key 'clock' in units[1]: accepted are name, kind" in refused(unit)
    rate = raw()
    rate["units"][0]["rates"]["float32"]["conv"] = 1
    assert "unknown key 'conv' in units[0].rates.*: accepted are pointwise" in refused(rate)
    figure = raw()
    figure["links"][0]["latency"]["sorce"] = "x"
    assert "unknown key 'sorce' in links[0].latency: accepted are value, unit" in refused(figure)


def test_wrong_values_name_the_field() -> None:
    nan = raw()
    nan["units"][0]["dispatch"]["value"] = float("nan")
    assert "value nan must be a number of zero or more in units[0].dispatch" in refused(nan)
    negative = raw()
    negative["links"][0]["bandwidth"]["value"] = -4
    assert "value -4 must be a number of zero or more in links[0].bandwidth" in refused(negative)
    wrong_unit = raw()
    wrong_unit["units"][0]["dispatch"]["unit"] = "GB/s"
    assert "dispatch: unit 'GB/s' is not one of ns, us, ms, s" in refused(wrong_unit)
    kind = raw()
    kind["units"][0]["kind"] = "tpu"
    assert "'tpu' in units[0].kind is not one of cpu, dla, dsp, gpu, npu" in refused(kind)
    origin = raw()
    origin["units"][0]["dispatch"]["origin"] = "guessed"
    assert "is not one of measured, calibrated, datasheet" in refused(origin)
    text = raw()
    text["units"][0]["dispatch"]["value"] = "50"
    assert "units[0].dispatch.value" in refused(text)


def test_missing_parts_are_named() -> None:
    lost = raw()
    del lost["units"][1]["dispatch"]
    assert "missing key 'dispatch' in units[1]" in refused(lost)
    link = raw()
    link["links"] = []
    assert "no link between 'cpu' and 'gpu'" in refused(link)
    own = raw()
    del own["units"][1]["rates"]["float16"]
    own["units"][1]["rates"]["float32"] = own["units"][0]["rates"]["float32"]
    assert "rates has no 'float16', the unit's own dtype" in refused(own)
    none = raw()
    none["units"], none["links"] = [], []
    assert "units is empty" in refused(none)


def test_names_must_fit() -> None:
    home = raw()
    home["home"] = "dsp"
    assert "home 'dsp' is not one of the units cpu, gpu" in refused(home)
    twice = raw()
    twice["units"][1]["name"] = "cpu"
    assert "two units have the same name" in refused(twice)
    stranger = raw()
    stranger["links"][0]["between"] = ["cpu", "apu"]
    assert "link to unknown unit 'apu'" in refused(stranger)
    double = raw()
    double["links"].append(double["links"][0])
    assert "link cpu - gpu is there twice" in refused(double)
    itself = raw()
    itself["links"][0]["between"] = ["cpu", "cpu"]
    assert "link from 'cpu' to itself" in refused(itself)
    schema = raw()
    schema["schema"] = 2
    assert "schema 2 is not 1" in refused(schema)
    cores = raw()
    cores["units"][0]["cores"] = 0
    assert "cores 0 must be at least 1" in refused(cores)
    stages = raw()
    stages["units"][0]["max_subgraphs"] = -1
    assert "max_subgraphs -1 must be zero or more" in refused(stages)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ProfileError, match="did you mean 'helio-g90'"):
        profile("helio-g09")
    with pytest.raises(ProfileError, match="measured on the spot"):
        profile("host")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"missing.toml can't be read: No such file"):
        profile(str(tmp_path / "missing.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"broken.toml is not TOML"):
        profile(str(broken))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match=r"binary.toml is not TOML"):
        profile(str(binary))
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(ProfileError, match=r"folder.toml can't be read"):
        profile(str(folder))


def test_lookups_name_what_there_is() -> None:
    soc: Profile = profile("helio-g90")
    assert soc.link("gpu", "gpu") is None
    assert soc.link("gpu", "cpu-big") is soc.link("cpu-big", "gpu")
    with pytest.raises(ProfileError, match="no unit 'npu': it has cpu-big, cpu-little, gpu, apu"):
        soc.unit("npu")
    with pytest.raises(ProfileError, match="no unit 'npu'"):
        soc.link("gpu", "npu")


def test_a_missing_rate_is_told_by_unit_and_dtype() -> None:
    content = raw()
    unit = content["units"][0]
    dtype = next(iter(unit["rates"]))
    del unit["rates"][dtype]["depthwise"]
    message = rf"unit '{unit['name']}' has no depthwise in \[units.rates.{dtype}\]: .* add it"
    with pytest.raises(ProfileError, match=message):
        parse(content, "mine.toml")
