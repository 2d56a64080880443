"""Scikit-learn's handwritten digits, for the examples: 1797 images of 8x8 pixels, 0 to 16.

They are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak,
UCI Machine Learning Repository, licence CC BY 4.0. `digits.npz` holds what
`sklearn.datasets.load_digits` gives. `python digits.py FILE.npz` writes the training part as
`hetsched refit --data` takes it.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TRAINING = 1347
"""Images for training and calibration: the first three quarters; the others are for testing."""


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 1, 8, 8) from 0 to 1 in float32, and labels (1797,)."""
    with np.load(HERE / "digits.npz") as stored:
        images = stored["images"][:, np.newaxis].astype(np.float32) / 16
        return images, stored["labels"].astype(np.int64)


def training() -> tuple[np.ndarray, np.ndarray]:
    """The part to learn from."""
    images, labels = digits()
    return images[:TRAINING], labels[:TRAINING]


def testing() -> tuple[np.ndarray, np.ndarray]:
    """The part to judge by."""
    images, labels = digits()
    return images[TRAINING:], labels[TRAINING:]


if __name__ == "__main__":
    x, y = training()
    np.savez(sys.argv[1], x=x, labels=y)
