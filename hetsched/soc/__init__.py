"""SoC profiles: units, links and costs coefficients, each number with its origin.

Enters: `profiles/*.toml`. Leaves: `soc.profile.Profile`. Nothing in it is changed after loading.
"""
