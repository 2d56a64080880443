"""The host profile put together from made-up cores and measurements."""

from hetsched.cost.host import MAX_UNITS, Cluster, Core
from hetsched.cost.host_profile import host_profile
from hetsched.cost.measured import usable
from hetsched.cost.store_records import DISPATCH, HAND_OFF, Measurement
from hetsched.quantity import Origin


def cluster(title: str, *cpus: int, speed: float = 1.0) -> Cluster:
    cores = tuple(Core(cpus=(cpu,), speed=speed) for cpu in cpus)
    return Cluster(cores=cores, facts={"model name": title}, title=title)


def measured(kind: str, low_ns: int, latency_ns: int, high_ns: int) -> Measurement:
    return Measurement(
        kind=kind,
        digest="",
        measured_at="2026-01-02T03:04:05Z",
        origin=Origin.MEASURED,
        dtype="float32",
        runs=400,
        latency_ns=latency_ns,
        low_ns=low_ns,
        high_ns=high_ns,
    )


def test_one_core_is_one_unit_without_links() -> None:
    dispatch = {"cpu0": measured(DISPATCH, 4_000, 5_000, 10_000)}
    profile = host_profile([cluster("A", 0)], dispatch, None, "onnxruntime 1.2.3")
    (unit,) = profile.units
    assert (unit.name, profile.home, profile.links) == ("cpu0", "cpu0", ())
    # 5000 ns are 5 us; the band is 4000 / 5000 = 0.8 to 10000 / 5000 = 2 of it.
    assert (unit.dispatch.value, unit.dispatch.unit) == (5.0, "us")
    assert (unit.dispatch.low, unit.dispatch.high) == (0.8, 2.0)
    assert unit.dispatch.source == (
        "empty stage through onnxruntime 1.2.3, one thread: median of 400 runs, "
        "2026-01-02T03:04:05Z"
    )
    assert unit.dispatch_ns == 5_000


def test_clusters_keep_their_own_dispatch_and_all_cores_are_linked() -> None:
    dispatch = {
        "cpu4": measured(DISPATCH, 1_000, 1_000, 1_000),
        "cpu0": measured(DISPATCH, 3_000, 3_000, 3_000),
        "cpu1": measured(DISPATCH, 3_000, 3_000, 3_000),
    }
    clusters = [cluster("big", 4), cluster("little", 0, 1)]
    hand_off = measured(HAND_OFF, 20_000, 20_000, 20_000)
    profile = host_profile(clusters, dispatch, hand_off, "onnxruntime 1.2.3")
    assert profile.title == "1x big, 2x little"
    assert profile.home == "cpu4"
    assert [unit.dispatch_ns for unit in profile.units] == [1_000, 3_000, 3_000]
    pairs = [link.between for link in profile.links]
    assert pairs == [("cpu4", "cpu0"), ("cpu4", "cpu1"), ("cpu0", "cpu1")]
    assert {link.latency.text for link in profile.links} == {"20 us"}
    assert all(link.bandwidth is None for link in profile.links)


def test_the_fastest_cores_are_used_up_to_the_limit() -> None:
    big = cluster("big", *range(100, 100 + MAX_UNITS - 2))
    kept = usable([big, cluster("little", *range(4)), cluster("tiny", 50)])
    assert kept[0] == big
    assert [core.unit for core in kept[1].cores] == ["cpu0", "cpu1"]
    assert len(kept) == 2


def test_the_digest_goes_by_what_was_measured() -> None:
    slow, fast = ({"cpu0": measured(DISPATCH, ns, ns, ns)} for ns in (5_000, 4_000))
    first, again, other = (
        host_profile([cluster("A", 0)], dispatch, None, "onnxruntime 1.2.3").sha256
        for dispatch in (slow, slow, fast)
    )
    assert first == again != other
