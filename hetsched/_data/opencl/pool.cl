// Pooling over 3 spatial axes, those that are missing being 1 long; one item per output.
// p: I, K, O, strides, dilations, pads at the begin, pads at the end (3 each)

kernel void max_pool(global const float *x, global float *y, constant int *p, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  constant int *size = p, *taps = p + 3, *out = p + 6, *stride = p + 9, *dilation = p + 12;
  constant int *pad = p + 15;
  const int o2 = at % out[2], o1 = at / out[2] % out[1], o0 = at / (out[2] * out[1]) % out[0];
  global const float *from = x + at / (out[2] * out[1] * out[0]) * (size[0] * size[1] * size[2]);
  float most = -INFINITY;
  for (int k0 = 0; k0 < taps[0]; ++k0)
    for (int k1 = 0; k1 < taps[1]; ++k1)
      for (int k2 = 0; k2 < taps[2]; ++k2) {
        const int i0 = o0 * stride[0] - pad[0] + k0 * dilation[0];
        const int i1 = o1 * stride[1] - pad[1] + k1 * dilation[1];
        const int i2 = o2 * stride[2] - pad[2] + k2 * dilation[2];
        if (i0 < 0 || i1 < 0 || i2 < 0 || i0 >= size[0] || i1 >= size[1] || i2 >= size[2])
          continue;
        const float value = from[(i0 * size[1] + i1) * size[2] + i2];
        most = value > most ? value : most;
      }
  y[at] = most;
}

// with_pads: places in the pads count as zeros, else not at all; those beyond them never count.
kernel void average_pool(global const float *x, global float *y, constant int *p,
                         const int with_pads, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  constant int *size = p, *taps = p + 3, *out = p + 6, *stride = p + 9, *dilation = p + 12;
  constant int *pad = p + 15, *end = p + 18;
  const int o2 = at % out[2], o1 = at / out[2] % out[1], o0 = at / (out[2] * out[1]) % out[0];
  global const float *from = x + at / (out[2] * out[1] * out[0]) * (size[0] * size[1] * size[2]);
  float sum = 0;
  int inside = 0, padded = 0;
  for (int k0 = 0; k0 < taps[0]; ++k0)
    for (int k1 = 0; k1 < taps[1]; ++k1)
      for (int k2 = 0; k2 < taps[2]; ++k2) {
        const int i0 = o0 * stride[0] - pad[0] + k0 * dilation[0];
        const int i1 = o1 * stride[1] - pad[1] + k1 * dilation[1];
        const int i2 = o2 * stride[2] - pad[2] + k2 * dilation[2];
        if (i0 >= size[0] + end[0] || i1 >= size[1] + end[1] || i2 >= size[2] + end[2]) continue;
        ++padded;
        if (i0 < 0 || i1 < 0 || i2 < 0 || i0 >= size[0] || i1 >= size[1] || i2 >= size[2])
          continue;
        ++inside;
        sum += from[(i0 * size[1] + i1) * size[2] + i2];
      }
  y[at] = sum / (with_pads ? padded : inside);
}
