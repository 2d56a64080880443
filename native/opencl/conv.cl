// Convolutions with 3 spatial axes, those that are missing being 1 long; one item per output.

// Taps of a window that lie inside an axis: from first_tap to before last_tap.
inline int first_tap(const int start, const int dilation) {
  return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

inline int last_tap(const int start, const int dilation, const int taps, const int size) {
  return start < size ? min(taps, (size - start + dilation - 1) / dilation) : 0;
}

// x (N, groups * C, I0, I1, I2), w (M, C, K0, K1, K2), b (M), y (N, M, O0, O1, O2)
// p: C, M, groups, whether there is a b, I, K, O, strides, dilations, pads at the begin (3 each)
kernel void conv(global const float *x, global const float *w, global const float *b,
                 global float *y, constant int *p, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int channels = p[0], maps = p[1], groups = p[2];
  constant int *size = p + 4, *taps = p + 7, *out = p + 10, *stride = p + 13;
  constant int *dilation = p + 16, *pad = p + 19;

  const int o2 = at % out[2], o1 = at / out[2] % out[1], o0 = at / (out[2] * out[1]) % out[0];
  const int map = at / (out[2] * out[1] * out[0]) % maps;
  const int batch = at / (out[2] * out[1] * out[0]) / maps;
  const int s0 = o0 * stride[0] - pad[0], s1 = o1 * stride[1] - pad[1];
  const int s2 = o2 * stride[2] - pad[2];
  const int f0 = first_tap(s0, dilation[0]), l0 = last_tap(s0, dilation[0], taps[0], size[0]);
  const int f1 = first_tap(s1, dilation[1]), l1 = last_tap(s1, dilation[1], taps[1], size[1]);
  const int f2 = first_tap(s2, dilation[2]), l2 = last_tap(s2, dilation[2], taps[2], size[2]);

  const int group = map / (maps / groups);
  global const float *from = x + (batch * groups + group) * channels * size[0] * size[1] * size[2];
  global const float *weight = w + map * channels * taps[0] * taps[1] * taps[2];
  float sum = 0;
  for (int c = 0; c < channels; ++c)
    for (int k0 = f0; k0 < l0; ++k0)
      for (int k1 = f1; k1 < l1; ++k1) {
        const int row = ((c * size[0] + s0 + k0 * dilation[0]) * size[1] + s1 + k1 * dilation[1]);
        global const float *taken = from + row * size[2] + s2;
        global const float *by = weight + ((c * taps[0] + k0) * taps[1] + k1) * taps[2];
        for (int k2 = f2; k2 < l2; ++k2) sum += taken[k2 * dilation[2]] * by[k2];
      }
  y[at] = p[3] ? sum + b[map] : sum;
}

// x (N, groups * C, I0, I1, I2), w (groups * C, M / groups, K0, K1, K2), b (M), y (N, M, O0, O1, O2)
// p: as above
kernel void conv_transpose(global const float *x, global const float *w, global const float *b,
                           global float *y, constant int *p, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int channels = p[0], maps = p[1], groups = p[2];
  constant int *size = p + 4, *taps = p + 7, *out = p + 10, *stride = p + 13;
  constant int *dilation = p + 16, *pad = p + 19;

  const int o2 = at % out[2], o1 = at / out[2] % out[1], o0 = at / (out[2] * out[1]) % out[0];
  const int map = at / (out[2] * out[1] * out[0]) % maps;
  const int batch = at / (out[2] * out[1] * out[0]) / maps;
  const int each = maps / groups, group = map / each;
  const int area = size[0] * size[1] * size[2], window = taps[0] * taps[1] * taps[2];
  global const float *from = x + (batch * groups + group) * channels * area;
  global const float *weight = w + (group * channels * each + map % each) * window;

  float sum = 0;
  for (int k0 = 0; k0 < taps[0]; ++k0) {
    const int i0 = o0 + pad[0] - k0 * dilation[0];
    if (i0 < 0 || i0 % stride[0] || i0 / stride[0] >= size[0]) continue;
    for (int k1 = 0; k1 < taps[1]; ++k1) {
      const int i1 = o1 + pad[1] - k1 * dilation[1];
      if (i1 < 0 || i1 % stride[1] || i1 / stride[1] >= size[1]) continue;
      for (int k2 = 0; k2 < taps[2]; ++k2) {
        const int i2 = o2 + pad[2] - k2 * dilation[2];
        if (i2 < 0 || i2 % stride[2] || i2 / stride[2] >= size[2]) continue;
        const int place = (i0 / stride[0] * size[1] + i1 / stride[1]) * size[2] + i2 / stride[2];
        const int tap = (k0 * taps[1] + k1) * taps[2] + k2;
        for (int c = 0; c < channels; ++c)
          sum += from[c * area + place] * weight[c * each * window + tap];
      }
    }
  }
  y[at] = p[3] ? sum + b[map] : sum;
}
