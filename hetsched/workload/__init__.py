"""Workloads: apps with arrival patterns, read from strict TOML files, checked and planned.

Enters: a workload file, a profile. Leaves: `model.Workload`, and one plan per app that a simulation
or a runtime can run. Nothing here runs anything.
"""
