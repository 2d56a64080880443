"""Placing groups of ops on units, with a bound on how good any placement can be.

Enters: a `Problem` (groups, units, costs, tensors, limits), which knows no model, file or solver.
Leaves: a `Placement` from `solve.place`: a valid `Schedule` never worse than any baseline, its
value, a bound and a status. `validate` checks schedules and shares no code with what makes them.
"""
