"""Which memory serves twice."""

from hypothesis import given
from hypothesis import strategies as st

from hetsched.backends.opencl.kernels.launch import Launch
from hetsched.backends.opencl.layout import lay_out


def launch(writes: str, *reads: str) -> Launch:
    return Launch(source="s", kernel="k", items=1, args=(*reads, writes), writes=writes)


def test_a_chain_needs_two_memories() -> None:
    """b and c live together, so do c and d: d takes b's. a and e come from and go to elsewhere."""
    chain = [launch("b", "a"), launch("c", "b"), launch("d", "c"), launch("e", "d")]
    found = lay_out(chain, {}, {"b": 8, "c": 4, "d": 16, "e": 1}, lasting=("a", "e"))
    assert found.slot == {"b": 0, "c": 1, "d": 0}
    assert found.sizes_bytes == (16, 4)


def test_a_view_keeps_what_it_views() -> None:
    """v is b: b's memory is free only after v's last reader."""
    found = lay_out(
        [launch("b", "a"), launch("c", "a"), launch("d", "c"), launch("e", "v", "d")],
        {"v": "b"},
        {"b": 4, "c": 4, "d": 4, "e": 4},
        lasting=("a", "e"),
    )
    assert found.root["v"] == "b"
    assert found.slot == {"b": 0, "c": 1, "d": 2}


def test_what_is_viewed_by_an_output_lasts() -> None:
    found = lay_out([launch("b", "a")], {"v": "b", "w": "v"}, {"b": 4}, lasting=("a", "w"))
    assert found.root["w"] == "b"
    assert found.slot == {}


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=20), st.data())
def test_no_value_is_overwritten_before_its_last_reader(
    reads: list[list[int]], data: st.DataObject
) -> None:
    launches = [
        launch(f"v{at}", *(f"v{number % at}" if at else "x" for number in chosen))
        for at, chosen in enumerate(reads)
    ]
    sizes = {f"v{at}": data.draw(st.integers(1, 9)) for at in range(len(launches))}
    found = lay_out(launches, {}, sizes, lasting=("x", f"v{len(launches) - 1}"))
    holder: dict[int, str] = {}
    for one in launches:
        for name in one.reads:
            assert name not in found.slot or holder[found.slot[name]] == name
        if one.writes in found.slot:
            number = found.slot[one.writes]
            assert found.sizes_bytes[number] >= sizes[one.writes]
            assert all(found.slot.get(name) != number for name in one.reads)
            holder[number] = one.writes
