"""The simulator's random numbers, written down once more."""

import math
from collections.abc import Iterator

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
ARRIVALS, THINKING, STAGE, TRIGGER = 1, 2, 3, 4


def mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uniforms(seed: int, *purpose: int) -> Iterator[float]:
    state = mix((seed + GOLDEN) & MASK)
    for each in purpose:
        state = mix(((state ^ (each & MASK)) + GOLDEN) & MASK)
    while True:
        state = (state + GOLDEN) & MASK
        yield (mix(state) >> 11) * 2.0**-53


def logarithm(x: float) -> float:
    mantissa, exponent = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square, total = s * s, 0.0
    for k in range(23, 0, -2):
        total = total * square + 1.0 / k
    return exponent * 0.6931471805599453 + 2.0 * s * total


def power_of_e(x: float) -> float:
    if x < -700.0:
        return 0.0
    k = math.floor(x * 1.4426950408889634 + 0.5)
    rest = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    total = 1.0 / math.factorial(14)
    for n in range(13, -1, -1):
        total = total * rest + 1.0 / math.factorial(n)
    return math.ldexp(total, k)


def exponential(draws: Iterator[float]) -> float:
    return -logarithm(1.0 - next(draws))


def normal(draws: Iterator[float]) -> float:
    while True:
        u = 2.0 * next(draws) - 1.0
        v = 2.0 * next(draws) - 1.0
        s = u * u + v * v
        if 0.0 < s < 1.0:
            return u * math.sqrt(-2.0 * logarithm(s) / s)
