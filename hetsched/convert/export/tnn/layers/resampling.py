"""Other resolutions: Upsample (mode, scales, align corners, size), Reorg, PixelShuffle."""

from hetsched.convert.export.tnn.layer import RefusedError, Site

_NEAREST, _LINEAR = 1, 2


def resize(site: Site) -> None:
    """Resize and Upsample of height and width, where TNN's rounding is the same."""
    site.rank(4)
    shape, out = site.shape(), site.out_shape()
    if shape[:2] != out[:2]:
        raise RefusedError("it resizes batch or channels: Upsample doesn't")
    mode = site.attr("mode", "nearest")
    older = site.op.op_type == "Upsample" or site.op.opset < 11
    where = "asymmetric" if older else site.attr("coordinate_transformation_mode", "half_pixel")
    if mode == "nearest":
        _check_nearest(site, where, shape, out)
        kind, aligned = _NEAREST, 0
    elif mode == "linear" and where in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        if where == "pytorch_half_pixel" and 1 in out[2:]:
            raise RefusedError("pytorch_half_pixel treats a size of 1 otherwise than Upsample")
        kind, aligned = _LINEAR, int(where == "align_corners")
    else:
        raise RefusedError(f"it is {mode}, {where}: Upsample hasn't that")
    scales = (size / given for size, given in zip(out[2:], shape[2:], strict=True))
    site.add("Upsample", kind, *scales, aligned, *out[2:])


def _check_nearest(site: Site, where: str, shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    whole = all(size % given == 0 for size, given in zip(out[2:], shape[2:], strict=True))
    rounding = site.attr("nearest_mode", "round_prefer_floor")
    if where == "asymmetric" and (rounding == "floor" or site.op.opset < 11):
        return
    if whole and where == "asymmetric" and site.op.op_type == "Upsample":
        return
    if whole and where in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round_"):
        return
    raise RefusedError(f"nearest with {where}, {rounding}: Upsample rounds otherwise")


def depth_to_space(site: Site) -> None:
    """DepthToSpace: PixelShuffle (CRD) or Reorg (DCR): block, direction, unused, mode."""
    size = int(site.attr("blocksize"))
    if site.attr("mode", "DCR") == "CRD":
        site.add("PixelShuffle", size)
        return
    site.add("Reorg", size, 1, 0, 0)


def space_to_depth(site: Site) -> None:
    """SpaceToDepth: Reorg the other way."""
    site.add("Reorg", int(site.attr("blocksize")), 0, 0, 0)


CONVERTERS = {
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
