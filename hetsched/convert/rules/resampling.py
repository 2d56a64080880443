"""Resize and Upsample as one matrix per axis: shared by their rules.

Output i of an axis is the sum over j of matrix[i, j] * input j.

Handled: modes nearest, linear and cubic; all coordinate transformations but tf_crop_and_resize;
scales and sizes; every axis.
Refused: sizes that keep the aspect ratio, antialiasing, cropping, unknown shapes, coordinates so
near a border between two pixels that rounding decides, scales that change no size, align_corners
with scales that don't give whole sizes; nearest with scales under 1 before opset 11.
Source: Resize-10 to Resize-19 of ONNX.
"""

from collections.abc import Callable, Mapping

import numpy as np

from hetsched.convert.rules.rule import Site, known_shape, static_shape

_MODERN = 11
"""Opset since which the coordinates are attributes."""
_ROUNDED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
_CROPPED = "tf_crop_and_resize"


def reason(site: Site) -> str | None:
    """Why there are no matrices, None where there are."""
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    place = _scales_place(site)
    if site.given("scales", place) and site.parameter("scales", place) is None:
        return "its scales aren't stored"
    if site.attribute("antialias", 0):
        return "it antialiases"
    if site.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        return "it keeps the aspect ratio"
    if _coordinates_of(site) == _CROPPED:
        return "it crops as well"
    if _coordinates_of(site) == "align_corners" and not _ends_whole(site):
        return "align_corners with a scale that isn't size by size: runtimes differ there"
    if _does_nothing(site):
        return "a scale other than 1 changes no size: runtimes differ there"
    if matrices(site) is None:
        return "its coordinates lie on the border between two pixels"
    if site.opset < _MODERN and mode_of(site) == "nearest" and _shrinks(site):
        return "nearest with a scale under 1 isn't defined before opset 11"
    return None


def mode_of(site: Site) -> str:
    """Nearest, linear or cubic."""
    return str(site.attribute("mode", "nearest"))


def matrices(site: Site) -> Mapping[int, np.ndarray] | None:
    """Axis to matrix [output size, input size] in double, of the axes that change.

    None where nearest depends on how the coordinates are rounded.
    """
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    found = {}
    for axis, scale in _scales(site, shape, out).items():
        if shape[axis] == out[axis]:
            continue
        matrix = _matrix(site, shape[axis], out[axis], scale)
        if matrix is None:
            return None
        found[axis] = matrix
    return found


def _ends_whole(site: Site) -> bool:
    """Whether size times scale is the output's size, without rounding."""
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    scales = _scales(site, shape, out)
    return all(abs(shape[axis] * scale - out[axis]) < 1e-5 for axis, scale in scales.items())


def _does_nothing(site: Site) -> bool:
    """Whether an axis keeps its size though it has a scale. ONNX Runtime copies such a tensor."""
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    scales = _scales(site, shape, out)
    return any(shape[axis] == out[axis] and scale != 1 for axis, scale in scales.items())


def _shrinks(site: Site) -> bool:
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    return any(new < old for old, new in zip(shape, out, strict=True))


def _coordinates_of(site: Site) -> str:
    if site.node.op_type == "Upsample" or site.opset < _MODERN:
        return "asymmetric"
    return str(site.attribute("coordinate_transformation_mode", "half_pixel"))


def _scales_place(site: Site) -> int:
    """Which input the scales are."""
    return 1 if site.node.op_type == "Upsample" or site.opset < _MODERN else 2


def _scales(site: Site, shape: tuple[int, ...], out: tuple[int, ...]) -> dict[int, float]:
    """Per axis: the given scale, or the one that its size makes."""
    given = site.parameter("scales", _scales_place(site))
    axes = site.attribute("axes")
    if given is None or given.size == 0:
        return {axis: out[axis] / max(shape[axis], 1) for axis in range(len(shape))}
    chosen = range(len(shape)) if axes is None else [axis % len(shape) for axis in axes]
    return {axis: float(scale) for axis, scale in zip(chosen, given, strict=True)}


def _matrix(site: Site, size: int, made: int, scale: float) -> np.ndarray | None:
    if mode_of(site) == "nearest":
        return _nearest(site, size, made, scale)
    at = _places(_coordinates_of(site), size, made, scale, np.float64)
    if mode_of(site) == "linear":
        return _linear(np.clip(at, 0, size - 1), size)
    return _cubic(site, at, size)


def _places(how: str, size: int, made: int, scale: float, dtype: type[np.floating]) -> np.ndarray:
    """Where each output lies in the input's coordinates."""
    x, s = np.arange(made, dtype=dtype), dtype(scale)
    half = dtype(0.5)
    if how == "asymmetric":
        return np.asarray(x / s)
    if how == "align_corners":
        return np.asarray(x * dtype(size - 1) / dtype(max(made - 1, 1)))
    if how == "pytorch_half_pixel" and made == 1:
        return np.zeros(1, dtype)
    at = (x + half) / s - half
    if how == "half_pixel_symmetric":
        at = at + dtype(size) / 2 * (1 - dtype(made) / (dtype(size) * s))
    return np.asarray(at)


def _nearest(site: Site, size: int, made: int, scale: float) -> np.ndarray | None:
    modern = site.node.op_type == "Resize" and site.opset >= _MODERN
    how = site.attribute("nearest_mode", "round_prefer_floor") if modern else "floor"
    picks = [
        np.clip(_ROUNDED[how](_places(_coordinates_of(site), size, made, scale, kind)), 0, size - 1)
        for kind in (np.float32, np.float64)
    ]
    if not np.array_equal(*picks):
        return None
    return np.asarray(np.eye(size)[picks[0].astype(int)])


def _linear(at: np.ndarray, size: int) -> np.ndarray:
    low = np.minimum(np.floor(at).astype(int), max(size - 2, 0))
    matrix, rows = np.zeros((len(at), size)), np.arange(len(at))
    matrix[rows, low] += 1 - (at - low)
    matrix[rows, np.minimum(low + 1, size - 1)] += at - low
    return matrix


def _cubic(site: Site, at: np.ndarray, size: int) -> np.ndarray:
    """Four taps; outside of the input they read its edge, or count nothing."""
    a, low = site.attribute("cubic_coeff_a", -0.75), np.floor(at).astype(int)
    matrix, rows = np.zeros((len(at), size)), np.arange(len(at))
    for offset in range(-1, 3):
        place, distance = low + offset, np.abs(at - low - offset)
        near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
        far = a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
        weight = np.where(distance <= 1, near, far)
        if site.attribute("exclude_outside", 0):
            weight = np.where((place < 0) | (place >= size), 0, weight)
        np.add.at(matrix, (rows, np.clip(place, 0, size - 1)), weight)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))
