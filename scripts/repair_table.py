"""Write docs/repairs.md: what gets each zoo model onto each framework of Table I.

    python scripts/repair_table.py [MODEL ...]

Takes half an hour for all models. A model's cells are kept in build/repairs.json, so that it can go
on where it was stopped; cells of models that are named are made anew. Replacements aren't run here:
`hetsched convert` certifies those that it writes.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hetsched.convert.adapt import Adapted, adapt
from hetsched.convert.fitting import fitting_target
from hetsched.convert.frameworks import TABLES
from hetsched.convert.remaining import left
from hetsched.convert.target import chosen_backends
from hetsched.errors import ModelError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.zoo.catalog import names

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "repairs.json"
DOC = ROOT / "docs" / "repairs.md"

INTRO = """# Repairs

What gets each zoo model onto each framework of the paper's Table I, on each of its units:
`scripts/repair_table.py` wrote this with `hetsched convert`'s own search. Tables as of 2026-11.

- `=` runs as it is.
- `r` runs after rewrites by rules.
- `h` runs but for a head or tail that the host does, with rewrites where they are needed.
- a number: so many ops still block in the middle, and a human must act; which ones, the list below
  says.
"""


def cells() -> Iterator[tuple[str, str, str]]:
    """Table I's name, framework and backend; tables of another time are left out."""
    for title, frameworks in TABLES.items():
        for framework in frameworks:
            if "-20" not in framework:
                for backend in chosen_backends(framework):
                    yield title, framework, backend


def judged(model: Model, framework: str, backend: str) -> dict[str, Any]:
    """How far a model gets on a backend."""
    target = fitting_target(model.graph, framework, backend)
    try:
        found = adapt(model, target, single_output=target.single_output, certified=False)
    except ModelError as error:
        return {"code": "1", "left": {}, "why": str(error)}
    blocking = left(found)
    types = Counter(f"{one.op_type} ({one.scenario})" for one in blocking)
    return {"code": code(found, len(blocking)), "left": dict(types.most_common())}


def code_of(model: Model, framework: str, backend: str) -> str:
    """A cell's text, found now."""
    return str(judged(model, framework, backend)["code"])


def code(found: Adapted, blocking: int) -> str:
    """The cell's text."""
    if blocking:
        return str(blocking)
    if not found.whole_parts.is_whole:
        return "h"
    return "r" if found.outcome.rewrites else "="


def collect(wanted: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Model to `framework backend` to its cell."""
    known = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in wanted:
        known.pop(name, None)
    for name in names():
        row = known.setdefault(name, {})
        model: Model | None = None
        for _, framework, backend in cells():
            key = f"{framework} {backend}"
            if key not in row:
                model = model or load(f"zoo:{name}")
                row[key] = judged(model, framework, backend)
                print(name, key, row[key], file=sys.stderr, flush=True)
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.write_text(json.dumps(known, indent=1))
    return known


def document(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The page."""
    lines = [INTRO]
    models = list(names())
    lines.append(f"| Table I | framework, backend | {' | '.join(models)} |")
    lines.append("|---|---|" + "---|" * len(models))
    before, counts = "", Counter[str]()
    for title, framework, backend in cells():
        codes = [str(found[model][f"{framework} {backend}"]["code"]) for model in models]
        counts.update(one if one in "=rh" else "human" for one in codes)
        shown = "" if title == before else title
        lines.append(f"| {shown} | {framework} {backend} | {' | '.join(codes)} |")
        before = title
    total = sum(counts.values())
    lines.append("")
    lines.append(
        f"Of {total} cells, {counts['=']} run as they are, {counts['r']} after rewrites, "
        f"{counts['h']} with a part for the host; {counts['human']} need a human."
    )
    lines.extend(["", "## What a human must do", "", SCENARIOS])
    for title, framework, backend in cells():
        types = Counter[str]()
        for model in models:
            cell = found[model][f"{framework} {backend}"]
            types.update(cell["left"])
        if types:
            told = ", ".join(f"{name} {count}" for name, count in types.most_common())
            lines.append(f"- {title}, {framework} {backend}: {told}")
    return "\n".join(lines) + "\n"


SCENARIOS = """Op types with the scenario that would need a human, and how many ops over all models:
(2) other layers with parameters refitted or trained anew, (4) a custom op, or a host stage in the
middle.
Backends whose tables are incomplete have ops here that nobody knows about.
"""


if __name__ == "__main__":
    DOC.write_text(document(collect(sys.argv[1:])), encoding="utf-8")
