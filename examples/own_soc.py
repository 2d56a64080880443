"""Describe a SoC of your own and ask which of its units each part of a model should run on."""

from pathlib import Path

import hetsched as hs
from hetsched.quantity import weakest

HERE = Path(__file__).parent

profile = hs.profile(str(HERE / "two_units.toml"))
plan = hs.plan(hs.load("zoo:squeezenet"), profile)

print(f"{profile.name}: {', '.join(unit.name for unit in profile.units)}")
print(
    f"no slower than any baseline: {plan.latency_ns <= min(filter(None, plan.baselines.values()))}"
)
print(f"weakest origin of its costs: {weakest(*(part.cost_origin for part in plan.subgraphs))}")
