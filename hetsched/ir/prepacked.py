"""Weights as kernels want them, which ONNX Runtime keeps beside the plain ones in external data.

The entry `prepacked_N` of a tensor's external data reads `KERNEL|offset;length;check|...`. ONNX
Runtime 1.23 to 1.31 writes those bytes wherever it has come to in the file, and maps them where
they are; its matrix product then crashes on addresses that aren't multiples of 64 (ppocr-rec's
last stage on AVX-512 did).
"""

from pathlib import Path

import onnx

ALIGNMENT = 64
"""Source: MlasGetPreferredBufferAlignment in ONNX Runtime, 64 bytes on every platform."""

_KEY = "prepacked_"


def align_prepacked(path: Path, weights: Path) -> int:
    """Copy misaligned prepacked weights to aligned places at the end of their file.

    Args:
        path: a model that ONNX Runtime saved with prepacked weights; rewritten where needed.
        weights: its one file of external data; appended to where needed.

    Returns:
        How many were copied.
    """
    model = onnx.load_model(path, load_external_data=False)
    dropped = sum(_drop_unreadable(tensor) for tensor in model.graph.initializer)
    entries = [
        entry
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key.startswith(_KEY)
    ]
    copied = 0
    for entry in entries:
        kernel, *places = entry.value.split("|")
        moved = [_aligned(place, weights) for place in places]
        copied += sum(old != new for old, new in zip(places, moved, strict=True))
        entry.value = "|".join([kernel, *moved])
    if copied or dropped:
        draft = path.with_suffix(".draft")
        draft.write_bytes(model.SerializeToString())
        draft.replace(path)
    return copied


def _drop_unreadable(tensor: onnx.TensorProto) -> int:
    """Let go of prepacked forms with an empty part, as those of QLinearConv; returns how many.

    ONNX Runtime writes such a part and then fails to read it ("unexpected end of file"). Without
    the entry it packs the weights anew when it loads them.
    """
    kept = [entry for entry in tensor.external_data if not _has_empty_part(entry)]
    dropped = len(tensor.external_data) - len(kept)
    if dropped:
        del tensor.external_data[:]
        tensor.external_data.extend(kept)
    return dropped


def _has_empty_part(entry: onnx.StringStringEntryProto) -> bool:
    places = entry.value.split("|")[1:]
    return entry.key.startswith(_KEY) and any(place.split(";")[1] == "0" for place in places)


def _aligned(place: str, weights: Path) -> str:
    """A place `offset;length;check`, after its bytes were copied if they had to be."""
    offset, length, check = place.split(";")
    if int(offset) % ALIGNMENT == 0:
        return place
    with weights.open("r+b") as file:
        file.seek(int(offset))
        content = file.read(int(length))
        target = -(-file.seek(0, 2) // ALIGNMENT) * ALIGNMENT
        file.seek(target)
        file.write(content)
    return f"{target};{length};{check}"
