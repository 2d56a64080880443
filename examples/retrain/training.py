"""Training a digit classifier in PyTorch: the same for the first time and for the retraining."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - as PyTorch's users know it
from torch_graph import TorchGraph

TRAINING = 1347
"""Images to learn from: the first three quarters; the others are for testing."""

EPOCHS = 40
BATCH = 64
RATE = 3e-3


def learn(graph: TorchGraph, data: Path, made: Path, *, seed: int = 0) -> None:
    """Train all weights from nothing, write the file, print the accuracy."""
    with np.load(data) as stored:
        images = torch.from_numpy(stored["images"][:, np.newaxis].astype(np.float32) / 16)
        labels = torch.from_numpy(stored["labels"].astype(np.int64))
    graph.restart(seed)
    _train(graph, images[:TRAINING], labels[:TRAINING], seed)
    graph.save(made)
    with torch.no_grad():
        right = int((graph(images[TRAINING:]).argmax(1) == labels[TRAINING:]).sum())
    count = len(images) - TRAINING
    print(f"{made}: accuracy {right / count:.3f} ({right} of {count})")


def _train(graph: TorchGraph, images: torch.Tensor, labels: torch.Tensor, seed: int) -> None:
    """Adam with a cosine schedule, repeatable on one thread."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(graph.parameters(), lr=RATE)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images), generator=rng)
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            loss = F.cross_entropy(graph(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
