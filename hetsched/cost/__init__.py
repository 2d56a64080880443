"""What a model's ops cost on each unit, in groups that a backend fuses.

Enters: `ir.Graph` with a `soc.Profile`, or a `Model` to be measured here. Leaves: `CostTable`;
each cost has an origin and a band, and what a unit refuses has no cost but a reason.
"""
