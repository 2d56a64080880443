// Linear interpolation over any axes; one item per output.
// shape: dimensions of to, then where each axis's tables start. Per index of to: what to add to
// the place in from for the lower and for the upper neighbour, and the upper one's weight.
kernel void resize_linear(global const float *from, global float *to, constant int *shape,
                          global const int *lower, global const int *upper,
                          global const float *weights, const int rank, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  float sum = 0;
  for (int corner = 0; corner < (1 << rank); ++corner) {
    int rest = at, place = 0;
    float weight = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      const int row = shape[rank + axis] + rest % shape[axis];
      rest /= shape[axis];
      const bool is_upper = corner >> axis & 1;
      place += is_upper ? upper[row] : lower[row];
      weight *= is_upper ? weights[row] : 1 - weights[row];
    }
    if (weight != 0) sum += weight * from[place];
  }
  to[at] = sum;
}
