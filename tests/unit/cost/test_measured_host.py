"""The host's cores, read from made-up system folders."""

from pathlib import Path

import pytest

from hetsched.cost.host import Core, host_clusters


def system(
    folder: Path, siblings: dict[int, str], values: dict[int, int], name: str = "cpu_capacity"
) -> Path:
    """A folder like the kernel's, with a value per CPU in one file."""
    for cpu, text in siblings.items():
        (folder / f"cpu{cpu}/topology").mkdir(parents=True)
        (folder / f"cpu{cpu}/topology/thread_siblings_list").write_text(f"{text}\n")
        if cpu in values:
            (folder / f"cpu{cpu}" / name).parent.mkdir(exist_ok=True)
            (folder / f"cpu{cpu}" / name).write_text(f"{values[cpu]}\n")
    return folder


def info(folder: Path, parts: dict[int, str]) -> Path:
    path = folder / "cpuinfo"
    path.write_text(
        "\n\n".join(
            f"processor\t: {cpu}\nCPU part\t: {part}\nFeatures\t: fp asimd\ncpu MHz\t: 12{cpu}4.5"
            for cpu, part in parts.items()
        )
    )
    return path


def test_two_clusters_fastest_first(tmp_path: Path) -> None:
    # Six little cores of capacity 400 and two big ones of 1024, as on helio-g90.
    values = dict.fromkeys(range(6), 400) | {6: 1024, 7: 1024}
    folder = system(tmp_path, {cpu: str(cpu) for cpu in range(8)}, values)
    parts = dict.fromkeys(range(6), "0xd05") | {6: "0xd0b", 7: "0xd0b"}
    big, little = host_clusters(folder, info(tmp_path, parts), range(8))
    assert [core.unit for core in big.cores] == ["cpu6", "cpu7"]
    assert [core.unit for core in little.cores] == [f"cpu{cpu}" for cpu in range(6)]
    assert (big.facts["CPU part"], big.facts["speed"]) == ("0xd0b", 1024)
    assert (little.facts["CPU part"], little.facts["speed"]) == ("0xd05", 400)
    assert big.facts["features"] == little.facts["features"]
    assert "cpu MHz" not in big.facts


def test_threads_of_one_core_are_one_unit(tmp_path: Path) -> None:
    folder = system(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, {})
    (cluster,) = host_clusters(folder, tmp_path / "none", range(4))
    assert cluster.cores == (Core(cpus=(0, 2), speed=1.0), Core(cpus=(1, 3), speed=1.0))


def test_only_cpus_of_the_processs_affinity_count(tmp_path: Path) -> None:
    folder = system(tmp_path, {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, {})
    (cluster,) = host_clusters(folder, tmp_path / "none", {1, 2})
    assert [core.cpus for core in cluster.cores] == [(1,), (2,)]


def test_a_favoured_core_is_still_of_its_cluster(tmp_path: Path) -> None:
    # 5.2 and 5.0 GHz differ by 4%, 3.8 GHz by 27%.
    values = {0: 5_000_000, 1: 5_200_000, 2: 3_800_000}
    name = "cpufreq/cpuinfo_max_freq"
    folder = system(tmp_path, {cpu: str(cpu) for cpu in values}, values, name)
    clusters = host_clusters(folder, tmp_path / "none", values)
    assert [[core.unit for core in c.cores] for c in clusters] == [["cpu0", "cpu1"], ["cpu2"]]


def test_a_speed_that_only_some_cpus_tell_isnt_used(tmp_path: Path) -> None:
    folder = system(tmp_path, {0: "0", 1: "1"}, {0: 1024})
    (cluster,) = host_clusters(folder, tmp_path / "none", range(2))
    assert [core.speed for core in cluster.cores] == [1.0, 1.0]


def test_a_system_that_tells_nothing_has_equal_cores(tmp_path: Path) -> None:
    (cluster,) = host_clusters(tmp_path, tmp_path / "none", range(3))
    assert [core.unit for core in cluster.cores] == ["cpu0", "cpu1", "cpu2"]
    assert cluster.title


@pytest.mark.parametrize("key", ["flags", "Features"])
def test_other_features_make_other_facts(tmp_path: Path, key: str) -> None:
    path = tmp_path / "cpuinfo"
    found = []
    for features in ("fma avx", "avx fma", "fma avx avx512f"):
        path.write_text(f"processor : 0\n{key} : {features}\n")
        found.append(host_clusters(tmp_path, path, {0})[0].facts)
    assert found[0] == found[1] != found[2]


def test_this_machine_has_cores() -> None:
    clusters = host_clusters()
    assert clusters
    assert len({core.unit for c in clusters for core in c.cores}) >= 1
