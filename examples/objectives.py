"""One model on one SoC, three aims: the shortest request, the most requests, the least energy."""

import hetsched as hs

model, profile = hs.load("zoo:squeezenet"), hs.profile("helio-g90")
plans = {
    objective: hs.plan(model, profile, objective=objective)
    for objective in ("latency", "throughput", "energy")
}

least_ns = min(plan.latency_ns for plan in plans.values())
most_rps = max(plan.throughput_rps for plan in plans.values())
least_uj = min(plan.energy_uj for plan in plans.values() if plan.energy_uj is not None)
print("shortest request:", plans["latency"].latency_ns == least_ns)
print("most requests:", plans["throughput"].throughput_rps == most_rps)
print("least energy:", plans["energy"].energy_uj == least_uj)
