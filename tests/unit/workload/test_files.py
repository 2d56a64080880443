"""Workload files: read strictly; every wrong one is refused in one line that says what would do."""

from pathlib import Path

import pytest

from hetsched.errors import WorkloadError
from hetsched.workload.arrivals import Bursty, Periodic
from hetsched.workload.files import load_workload, read_times_ns, workload_sha256
from hetsched.workload.rates import rates_hz

GOOD = """
name = "two"
duration = "5s"

[[apps]]
name = "detect"
model = "zoo:ppocr-det"
rate = 30
deadline = "33ms"
post = [{ name = "boxes", time = "2ms", origin = "assumed", source = "a guess" }]

[[apps]]
name = "read"
model = "rec.onnx"
after = { app = "detect", probability = 0.2, count = 2 }

[[apps]]
name = "rest"
chain = { file = "layers.csv" }
arrivals = { kind = "bursty", rate = 5, on = "2s", off = "3s" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rec.onnx").write_bytes(b"model")
    (tmp_path / "layers.csv").write_bytes(b"layers")
    path = tmp_path / "w.toml"
    path.write_text(GOOD)
    return path


def test_a_file_is_read(file: Path) -> None:
    workload = load_workload(file)
    detect, read, rest = workload.apps
    assert workload.duration_ns == 5_000_000_000
    assert detect.deadline_ns == 33_000_000
    assert detect.pattern == Periodic(rate=30)
    assert detect.post[0].time_ns == 2_000_000
    assert read.model == str(file.parent / "rec.onnx")  # relative to the file
    assert isinstance(rest.arrivals, Bursty)


def test_mean_rates(file: Path) -> None:
    # read: 30 x 0.2 x 2; rest: on for 2 of 5 s
    assert rates_hz(load_workload(file)) == {"detect": 30.0, "read": 12.0, "rest": 2.0}


def test_the_digest_goes_by_content_and_not_by_place(file: Path, tmp_path: Path) -> None:
    first = workload_sha256(load_workload(file))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("w.toml", "rec.onnx", "layers.csv"):
        (elsewhere / name).write_bytes((tmp_path / name).read_bytes())
    assert workload_sha256(load_workload(elsewhere / "w.toml")) == first
    (elsewhere / "layers.csv").write_bytes(b"others")
    assert workload_sha256(load_workload(elsewhere / "w.toml")) != first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate = 30", "rate = 0", "app 'detect': rate 0.0 must be above 0"),
        ("rate = 30", "rate = -1", "app 'detect': rate -1.0 must be above 0"),
        ("rate = 30", "rate = nan", r"apps\[0\].rate is nan: give a number"),
        ("rate = 30", "rate = inf", r"apps\[0\].rate is inf: give a number"),
        ("rate = 5,", "rate = 0,", "rate 0 must be above 0"),
        ("probability = 0.2", "probability = nan", r"apps\[1\].after.probability is nan"),
        ("probability = 0.2", "probability = 2", "probability 2 must be above 0 and at most 1"),
        ("count = 2", "count = 0", "count 0 must be 1 to 100"),
        ('app = "detect"', 'app = "detekt"', "comes after app 'detekt'.* did you mean 'detect'?"),
        ('app = "detect"', 'app = "read"', "cascade without a beginning: 'read' after 'read'"),
        ('"33ms"', "33", "33 is not a duration: write it as text with a unit, as '5ms'"),
        ('"33ms"', '"33"', "'33' is not a duration: give a number and one of ns, us"),
        ('"33ms"', '"0ms"', "deadline must be above 0"),
        ("rate = 30", "rate = 30\nfps = 30", r"unknown key 'fps' in apps\[0\]: accepted are name,"),
        ("rate = 30", "", "give exactly one of rate, arrivals, after; it has none"),
        ('model = "rec.onnx"', "", "give exactly one of plan, model, chain; it has none"),
        ('"bursty"', '"busty"', "take periodic, poisson, bursty, trace or closed"),
        ('on = "2s"', 'on = "0s"', "`on` and `off` must be above 0"),
        ('name = "read"', 'name = "detect"', "two apps are named 'detect'"),
        ('source = "a guess"', 'source = ""', "host stage 'boxes': source is empty"),
        ('duration = "5s"', 'duration = "0s"', "duration must be above 0"),
        ('duration = "5s"', 'policy = "edff"', "policy 'edff' is unknown: take one of fifo, prio"),
        ('duration = "5s"', 'policy = "static"', "policy static needs order"),
        ('duration = "5s"', "seed = -1", "seed -1 must be 0 or more"),
        ('duration = "5s"', "schema = 2", "schema 2 is not 1"),
        (
            'duration = "5s"',
            'load = [{ at = "2s", scale = 1 }, { at = "1s", scale = 2 }]',
            "load: times must rise",
        ),
        ('duration = "5s"', "apps = 3", "is not TOML"),
    ],
)
def test_wrong_files_are_refused_in_one_line(file: Path, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) >= 1
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(WorkloadError, match=said) as caught:
        load_workload(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_longer_ring_is_refused(file: Path) -> None:
    ring = GOOD.replace("rate = 30", 'after = { app = "read" }').replace(", probability = 0.2", "")
    file.write_text(ring)
    with pytest.raises(WorkloadError, match="'detect' after 'read' after 'detect'"):
        load_workload(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="can't be read: No such file"):
        load_workload(tmp_path / "none.toml")


def test_arrival_times(tmp_path: Path) -> None:
    path = tmp_path / "times.txt"
    path.write_text("# seconds\n0.5\n\n1.25  # late\n1.25\n")
    assert read_times_ns(path) == [500_000_000, 1_250_000_000, 1_250_000_000]


@pytest.mark.parametrize("text", ["0.5\n0.4\n", "-1\n", "nan\n", "inf\n", "soon\n", "# none\n"])
def test_wrong_arrival_times(text: str, tmp_path: Path) -> None:
    path = tmp_path / "times.txt"
    path.write_text(text)
    with pytest.raises(WorkloadError, match="arrival times"):
        read_times_ns(path)


@pytest.mark.parametrize(
    "path", sorted(Path("examples/workloads").rglob("*.toml")), ids=lambda path: path.stem
)
def test_examples_are_workloads(path: Path) -> None:
    assert load_workload(path).apps


def test_there_are_examples() -> None:
    found = {path.stem for path in Path("examples/workloads").rglob("*.toml")}
    assert {"ocr", "phone-day", "server", "offline", "single-stream", "multi-stream"} <= found
    assert len(list(Path("examples/workloads/xrbench").glob("*.toml"))) == 7
