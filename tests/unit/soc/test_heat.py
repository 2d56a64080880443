"""Heat networks of profiles: what is read, and what is refused."""

from pathlib import Path

import pytest

from hetsched.errors import ProfileError
from hetsched.sim.from_heat import at_rest, from_heat, load_thermal, with_thermal
from hetsched.soc.catalog import profile

PHONE = """
[thermal]
rest = { value = 30, unit = "C", origin = "assumed", source = "test" }
period = { value = 1, unit = "s", origin = "assumed", source = "test" }

[[thermal.nodes]]
name = "die"
units = ["cpu"]
to = "case"
capacity = { value = 2, unit = "J/K", origin = "assumed", source = "test" }
resistance = { value = 4, unit = "K/W", origin = "assumed", source = "test" }

[[thermal.nodes]]
name = "case"
capacity = { value = 150, unit = "J/K", origin = "assumed", source = "test" }
resistance = { value = 5, unit = "K/W", origin = "assumed", source = "test" }

[[thermal.zones]]
node = "die"
units = ["cpu"]
trip = { value = 80, unit = "C", origin = "assumed", source = "test" }
hysteresis = { value = 2, unit = "C", origin = "assumed", source = "test" }
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "heat.toml"
    path.write_text(text)
    return path


def test_a_file_takes_the_place_of_what_a_profile_knows(tmp_path: Path) -> None:
    pi = profile("raspberry-pi-4b")
    given = with_thermal(pi, load_thermal(written(tmp_path, PHONE)))
    assert given.sha256 == pi.sha256  # heat changes no cost: plans stay valid
    network = from_heat(given.thermal)
    assert network is not None
    assert [(n.name, n.capacity_j_per_k, n.to_air_w_per_k, n.units) for n in network.nodes] == [
        ("die", 2, 0.0, ("cpu",)),
        ("case", 150, 0.2, ()),
    ]
    assert [(e.first, e.second, e.w_per_k) for e in network.edges] == [("die", "case", 0.25)]
    assert (network.ambient_c, network.period_ns) == (30, 10**9)
    assert [(z.node, z.trip_c, z.hysteresis_c, z.units) for z in network.zones] == [
        ("die", 80, 2, ("cpu",))
    ]


def test_a_profile_without_a_network_has_none() -> None:
    thermal = profile("helio-g90").thermal
    assert thermal is not None
    assert from_heat(thermal) is None
    assert from_heat(None) is None


def test_a_warmer_room() -> None:
    network = from_heat(at_rest(profile("raspberry-pi-4b"), 62.5).thermal)
    assert network is not None
    assert network.ambient_c == 62.5


def test_rest_without_a_network_is_refused() -> None:
    with pytest.raises(ProfileError, match="helio-g90 knows no heat network, so that 40 C would"):
        at_rest(profile("helio-g90"), 40)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('to = "case"', 'to = "lid"', "'die' gives its heat to 'lid': there are die, case, air"),
        ('name = "case"', 'name = "case"\nto = "die"', "of node 'die' goes round in a circle"),
        ('node = "die"', 'node = "lid"', "no node 'lid': there are die, case"),
        ('name = "case"', 'name = "die"', "names must differ, and from 'air'"),
        ("value = 150", "value = 0", "node 'case': capacity: value 0 must be above zero"),
        ("value = 150", "value = nan", "value nan must be a number of zero or more"),
        ('"J/K"', '"kJ/K"', "node 'die': capacity: unit 'kJ/K' is not one of J/K"),
        ("hysteresis", "hysterese", "unknown key 'hysterese'"),
        ("[thermal]", "[termal]", "unknown key 'termal': accepted are thermal"),
        ("rest =", "idle =", "thermal.idle: unit 'C' is not one of mW, W"),
        ("rest = {", "# {", "need thermal.rest: the temperature when nothing runs"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, PHONE.replace(old, new, 1))
    with pytest.raises(ProfileError) as refused:
        load_thermal(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_unit_that_is_not_there_is_named(tmp_path: Path) -> None:
    thermal = load_thermal(written(tmp_path, PHONE))
    with pytest.raises(ProfileError, match="profile helio-g90: thermal names unknown unit 'cpu'"):
        with_thermal(profile("helio-g90"), thermal)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none.toml can't be read: No such file"):
        load_thermal(tmp_path / "none.toml")
