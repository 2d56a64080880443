"""Write XRBench's seven usage scenarios as workload files.

    python scripts/xrbench.py

Reads `scenarios.csv` in examples/workloads/xrbench and writes one .toml a scenario beside it.
"""

import csv
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "examples" / "workloads" / "xrbench"
DURATION = "10s"

_HEAD = """\
# Written by scripts/xrbench.py from scenarios.csv: see README.md beside it.
name = "xrbench-{slug}"
title = "XRBench: {title}"
notes = [
  "models, rates and triggers: XRBench/XRBench-MLSys2023, usage_scenarios/{scenario}.m",
  "each model is a chain of its listed convolutions with seeded weights, not the model itself",
  "deadline = 1 / fps; a triggered request carries the deadline of the one that triggered it",
]
duration = "{duration}"
impossible = "run"
order = [{order}]  # turns of the policy `static`

[score]
k_per_ms = 15
energy_max_mj = 1500
source = "XRBench v0.1's defaults (XRBench-MAESTRO.cpp); the unit of 1500 is not stated there, \
taken for mJ"
"""

_APP = """
[[apps]]
name = "{model}"
chain = {{ file = "layers.csv", model = "{model}", seed = 0 }}
"""


def scenario_text(name: str, rows: list[dict[str, str]]) -> str:
    """A workload file."""
    slug = slug_of(name)
    order = ", ".join(f'"{row["model"]}"' for row in rows)
    parts = [
        _HEAD.format(
            slug=slug, title=slug.replace("-", " "), scenario=name, duration=DURATION, order=order
        )
    ]
    for row in rows:
        parts.append(_APP.format(model=row["model"]))
        if row["depends_on"]:
            chance = float(row["trigger_probability"] or 1)
            parts.append(f'after = {{ app = "{row["depends_on"]}", probability = {chance:g} }}\n')
        else:
            fps = int(row["fps"])
            parts.append(f'rate = {fps}\ndeadline = "{1e9 / fps:.0f}ns"\n')
    return "".join(parts)


def slug_of(name: str) -> str:
    """`social_interactionA` to `social-interaction-a`."""
    spaced = name.removesuffix("A").removesuffix("B").removesuffix("_")
    last = f"-{name[-1]}" if name[-1] in "AB" else ""
    return f"{spaced}{last}".replace("_", "-").lower()


def main() -> None:
    """Write all of them."""
    with (FOLDER / "scenarios.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in dict.fromkeys(row["scenario"] for row in rows):
        text = scenario_text(name, [row for row in rows if row["scenario"] == name])
        path = FOLDER / f"{slug_of(name)}.toml"
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(FOLDER.parent.parent.parent))


if __name__ == "__main__":
    main()
