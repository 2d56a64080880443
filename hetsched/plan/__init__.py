"""From a model, a profile and costs to a plan, and from a plan to a file and back.

Enters: `ir.Model`, `soc.Profile`, `cost.CostTable`. Leaves: `plan.model.Plan` and its JSON file.
"""
