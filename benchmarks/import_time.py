"""What `import hetsched` adds to `import numpy, asyncio`: fresh processes, in turns, medians.

python benchmarks/import_time.py [ROUNDS]
"""

import resource
import statistics
import subprocess
import sys
import time

BASE = "import numpy, asyncio"
WITH = "import numpy, asyncio, hetsched"
LIMIT_MS = 50


def once_ms(code: str) -> tuple[float, float]:
    """Wall and processor time of a fresh interpreter running the code, in ms."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s * 1e3, cpu_s * 1e3


def describe(name: str, times_ms: list[float]) -> str:
    low, middle, high = statistics.quantiles(times_ms, n=4)
    return f"{name:<32} median {middle:7.1f} ms, middle half {low:.1f} to {high:.1f}"


def report(clock: str, base_ms: list[float], with_ms: list[float]) -> None:
    pairs = list(zip(base_ms, with_ms, strict=True))
    added_ms = statistics.median(b - a for a, b in pairs)
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{clock} time, {len(pairs)} rounds")
    print(f"  {describe(BASE, base_ms)}")
    print(f"  {describe(WITH, with_ms)}")
    print(f"  hetsched adds {added_ms:.1f} ms ({ratio:.2f}x); limit {LIMIT_MS} ms")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    for code in (BASE, WITH):  # the first round fills the disk cache and writes bytecode
        once_ms(code)
    pairs = [(once_ms(BASE), once_ms(WITH)) for _ in range(rounds)]
    for index, clock in enumerate(("wall", "processor")):
        report(clock, [a[index] for a, _ in pairs], [b[index] for _, b in pairs])


if __name__ == "__main__":
    main()
