"""A voice, more or less: harmonics of a pitch that moves, shaped by formants, in bursts."""

from collections.abc import Iterator

import numpy as np

RATE_HZ = 16_000
STEP = 512
"""Samples per request: 32 ms. Source: silero-vad's README."""
CONTEXT = 64
"""Samples of the step before that the model also reads. Source: silero-vad's code."""


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Syllables for a second, then a second of room noise, and so on; float32 within 1."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * at) + 8 * np.sin(2 * np.pi * 3.1 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    sound = np.zeros_like(at)
    for harmonic in range(1, 30):
        sound += np.sin(harmonic * phase) * _formants(harmonic * pitch, at)
    talks = np.floor(at) % 2 == 0
    syllables = np.clip(np.sin(2 * np.pi * 4 * at) + 0.6, 0, 1)
    noise = rng.normal(0, 0.002, at.size)
    made: np.ndarray = 0.25 * sound / np.abs(sound).max() * syllables * talks + noise
    return made.astype(np.float32)


def _formants(hertz: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How loud a frequency is in a mouth that goes between an a and an i."""
    share = 0.5 + 0.5 * np.sin(2 * np.pi * 2 * at)
    loud = np.zeros_like(hertz)
    for a, i, width in ((800, 300, 90), (1200, 2300, 120), (2500, 3000, 180)):
        loud += np.exp(-(((hertz - (a * share + i * (1 - share))) / width) ** 2) / 2)
    damped: np.ndarray = loud / (1 + hertz / 2000)
    return damped


def windows(sound: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """The model's inputs, one per step: (1, 64 + 512)."""
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    for start in range(0, len(sound) - STEP + 1, STEP):
        yield {"input": padded[None, start : start + CONTEXT + STEP]}
