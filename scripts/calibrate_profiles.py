"""Fit the rates of all profiles again, those that others start from first.

scripts/calibrate_profiles.py
"""

from graphlib import TopologicalSorter

from hetsched.cost.calibrate.profile import calibrate_profile, tables
from hetsched.cost.calibrate.write import with_results
from hetsched.soc.catalog import locate, names, profile
from hetsched.soc.profile import Profile


def sources(soc: Profile) -> set[str]:
    """Profiles that a profile's rates are transferred from."""
    recipes = [recipe for unit in soc.units for recipe in unit.calibrate.values()]
    return {recipe.like.profile for recipe in recipes if recipe.like is not None}


if __name__ == "__main__":
    for name in TopologicalSorter(
        {name: sources(profile(name)) for name in names()}
    ).static_order():
        soc = profile(name)
        if any(unit.calibrate for unit in soc.units):
            text = locate(name).read_text(encoding="utf-8")
            results = calibrate_profile(soc, tables(), profile)
            locate(name).write_text(with_results(text, results), encoding="utf-8")
            print(name)
