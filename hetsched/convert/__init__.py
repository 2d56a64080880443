"""Which ops which framework and unit can run.

Enters: `ir.Graph`, `soc.Profile`, the tables in `data/`. Leaves: reasons why a unit refuses an op.
"""
