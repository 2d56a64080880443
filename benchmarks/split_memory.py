"""Memory of a model split into 8 stages against the unsplit one: PSS, settled and at its peak.

python benchmarks/split_memory.py [--parts 8] [MODEL ...]

Each figure is of a fresh process that loads the model, runs it three times, and reads its own
/proc/self/smaps_rollup; a thread samples the peak every 2 ms. The unsplit one is an
`InferenceSession` over the original file. Split, there are three: `cold` loads and compiles with
empty caches; `warm` finds the prepared graph and the compiled parts on disk, as every later start
of an application does; `cold+children` adds the memory of the processes that compile, at the same
moment. The goal is 1.1, settled and peak.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MODELS = ("resnet50", "vgg19")
LIMIT = 1.1
RUNS = 3
SAMPLE_S = 0.002


def pss_bytes(process: int | str = "self") -> int:
    """Proportional set size, 0 for a process that is gone."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024


def children() -> list[str]:
    """Ids of this process's children, of all its threads."""
    found = []
    for file in Path("/proc/self/task").glob("*/children"):
        found += file.read_text().split()
    return found


class Peak(threading.Thread):
    """Samples the process's memory, alone and with its children."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own_bytes = 0
        self.all_bytes = 0

    def run(self) -> None:
        """Sample for ever."""
        while True:
            own = pss_bytes()
            self.own_bytes = max(self.own_bytes, own)
            below = sum(pss_bytes(child) for child in children())
            self.all_bytes = max(self.all_bytes, own + below)
            time.sleep(SAMPLE_S)


def run_whole(name: str) -> None:
    import numpy as np
    import onnxruntime as ort

    from hetsched.zoo.catalog import entry
    from hetsched.zoo.fetch import cached_path

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(
        str(cached_path(name)), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    given = {
        key: rng.standard_normal(shape).astype(np.float32)
        for key, shape in entry(name).shapes.items()
    }
    for _ in range(RUNS):
        session.run(None, given)
    finish(session)


def run_split(name: str, plan: str) -> None:
    import numpy as np
    from splitting import specs

    import hetsched as hs
    from hetsched.backends.base import Buffer, HostValue
    from hetsched.backends.ort import OrtBackend

    model = hs.load(f"zoo:{name}")
    stages = specs(hs.load_plan(plan))
    compiled = OrtBackend().compile(model, stages)
    rng = np.random.default_rng(0)
    given = {
        key: rng.standard_normal(shape).astype(np.float32) for key, shape in model.shapes.items()
    }
    del model
    for _ in range(RUNS):
        values: dict[str, Buffer | HostValue] = dict(given)
        for executable in compiled:
            values.update(zip(executable.outputs, executable.run(values), strict=True))
    finish(compiled)


def finish(kept: object) -> None:
    """Print what the process needs while it holds the loaded model."""
    found = {"settled": pss_bytes(), "peak": PEAK.own_bytes, "with_children": PEAK.all_bytes}
    print(json.dumps(found))
    assert kept is not None


def measured(way: str, name: str, plan: str, cache: str) -> dict[str, int]:
    """Figures of one fresh process."""
    command = [sys.executable, __file__, "--child", way, "--plan", plan, name]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(name: str, parts: int, folder: str) -> None:
    from splitting import chain_plan

    import hetsched as hs

    plan = f"{folder}/{name}.json"
    chained = chain_plan(hs.load(f"zoo:{name}"), parts).save(plan)
    count = len(chained.subgraphs)
    cache = f"{folder}/cache"
    link_zoo(cache)
    whole = measured("whole", name, plan, cache)
    cold = measured("split", name, plan, cache)
    warm = measured("split", name, plan, cache)
    rows = [
        ("unsplit", whole["settled"], whole["peak"]),
        ("split, warm", warm["settled"], warm["peak"]),
        ("split, cold", cold["settled"], cold["peak"]),
        ("split, cold+children", cold["settled"], cold["with_children"]),
    ]
    print(f"{name}, {count} stages (goal {LIMIT})")
    for label, settled, peak in rows:
        print(
            f"  {label:<22} settled {settled / 2**20:7.1f} MiB {settled / whole['settled']:6.3f}   "
            f"peak {peak / 2**20:7.1f} MiB {peak / whole['peak']:6.3f}",
            flush=True,
        )


def link_zoo(cache: str) -> None:
    """Let the processes with caches of their own find the fetched models."""
    from hetsched.zoo.fetch import cached_path

    zoo = cached_path(MODELS[0]).parent.parent
    target = Path(cache) / "hetsched" / "zoo"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(zoo)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of split models against unsplit ones.")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--child", choices=("whole", "split"), help=argparse.SUPPRESS)
    parser.add_argument("--plan", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child == "whole":
        run_whole(given.models[0])
    elif given.child == "split":
        run_split(given.models[0], given.plan)
    else:
        for name in given.models:
            with tempfile.TemporaryDirectory() as folder:
                compare(name, given.parts, folder)


PEAK = Peak()

if __name__ == "__main__":
    if "--child" in sys.argv:
        PEAK.start()
    main()
