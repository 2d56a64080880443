"""A page of text, drawn."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH = 480, 640
LINES = (
    "Hello world",
    "ONNX graph",
    "Place it well",
    "42 units",
    "upside down",
    "no deadline",
    "2026-11-22",
)
UPSIDE_DOWN = 4
"""The line of that index stands on its head, for the direction classifier to find."""


def draw() -> np.ndarray:
    """(480, 640, 3), uint8: dark text on light paper, a line of text per line."""
    font = ImageFont.load_default(36)
    page = Image.new("RGB", (WIDTH, HEIGHT), (250, 248, 240))
    for index, text in enumerate(LINES):
        line = Image.new("RGB", (420, 48), (250, 248, 240))
        ImageDraw.Draw(line).text((6, 2), text, fill=(20, 20, 30), font=font)
        turned = line.rotate(180) if index == UPSIDE_DOWN else line
        page.paste(turned, (40 + 20 * (index % 3), 16 + 64 * index))
    return np.asarray(page)
