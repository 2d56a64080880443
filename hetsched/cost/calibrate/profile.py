"""Calibrating a whole profile: every recipe of every unit."""

from collections.abc import Callable, Iterator
from pathlib import Path

from hetsched.cost.calibrate import features as feature_tables
from hetsched.cost.calibrate import rows as row_tables
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.calibrate.rows import Row
from hetsched.cost.calibrate.unit import Tables, calibrate
from hetsched.cost.calibrate.write import Results
from hetsched.errors import CostError
from hetsched.soc.profile import Profile

_SAME = 0.01  # Solvers of different machines agree much closer; a changed row or rule doesn't.


def tables(rows: Path | None = None, features: Path | None = None) -> Tables:
    """What comes with hetsched, and a user's own rows and features.

    A row's model may be a file or `zoo:NAME`; its features are computed then.

    Raises:
        CostError: naming file, line, column and what would be accepted.
    """
    known = dict(feature_tables.published())
    if features is not None:
        known |= feature_tables.read_features(features)
    own = row_tables.read_rows(rows) if rows is not None else ()
    for row in own:
        if row.key not in known:
            known[row.key] = _of_model(row)
    return Tables((*row_tables.published(), *own), known)


def _of_model(row: Row) -> feature_tables.Features:
    if not row.model.startswith("zoo:") and not row.model.endswith((".onnx", ".pb")):
        raise CostError(
            f"{row.at}: no features of {row.model} {row.input_shape}: add them with --features, "
            f"or name an .onnx file or zoo:NAME as model"
        )
    from hetsched.ir.load import load  # brings ONNX along, which the published rows don't need

    model = load(row.model)
    shapes = ["x".join(str(dim) for dim in shape) for shape in model.shapes.values()]
    if row.input_shape not in shapes:
        raise CostError(
            f"{row.at}: input_shape {row.input_shape} of {row.model} should be {', '.join(shapes)}"
        )
    return graph_features(model.graph)


def calibrate_profile(profile: Profile, found: Tables, find: Callable[[str], Profile]) -> Results:
    """Rates and records of all units with a recipe.

    Raises:
        CostError: when nothing is to be done, or a recipe can't be followed.
    """
    results = {
        (unit.name, dtype): calibrate(profile, unit, dtype, found, find)
        for unit in profile.units
        for dtype in unit.calibrate
    }
    if not results:
        raise CostError(
            f"profile {profile.name} has no [units.calibrate.DTYPE]: "
            f"`hetsched profiles new` shows one"
        )
    return results


def differences(profile: Profile, results: Results) -> Iterator[str]:
    """Where a profile's rates aren't what its recipes give."""
    for (name, dtype), (made, _) in results.items():
        stored = profile.unit(name).rates.get(dtype)
        known = stored.stated() if stored is not None else {}
        for field, figure in made.stated().items():
            new = figure.value
            old = known[field].value if field in known else None
            if old is None or abs(old - new) > _SAME * max(abs(new), 1e-9):
                yield f"{name} {dtype} {field}: {old} in the file, {new:g} by its recipe"
