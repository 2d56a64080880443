// Convolutions with 3 spatial axes, those that are missing being 1 long.

#define WIDE 8

// Sums are taken in blocks: the rounding error then grows with the block, not with the whole.
#define BLOCK 16

// A loop that is unrolled, so that what it indexes by i can be registers.
#define EACH(i, MANY) _Pragma("unroll") for (int i = 0; i < MANY; ++i)

// Taps of a window that lie inside an axis: from first_tap to before last_tap.
inline int first_tap(const int start, const int dilation) {
  return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

inline int last_tap(const int start, const int dilation, const int taps, const int size) {
  return start < size ? min(taps, (size - start + dilation - 1) / dilation) : 0;
}

// WIDE numbers of a row, from start on in steps; 0 for those outside it.
inline float8 row_part(global const float *row, const int start, const int step, const int size) {
  if (step == 1 && start >= 0 && start + WIDE <= size) return vload8(0, row + start);
  float found[WIDE];
  for (int i = 0; i < WIDE; ++i) {
    const int at = start + i * step;
    found[i] = at >= 0 && at < size ? row[at] : 0;
  }
  return vload8(0, found);
}

// x (N, groups * C, I0, I1, I2), w (M, C, K0, K1, K2), b (M), y (N, M, O0, O1, O2)
// p: C, M, groups, whether there is a b, I, K, O, strides, dilations, pads at the begin (3 each)
// One item makes WIDE neighbours along the last axis for each of MAPS maps of a group.
#define CONV(NAME, MAPS)                                                                  \
  kernel void NAME(global const float *x, global const float *w, global const float *b,   \
                   global float *y, constant int *p, const int count) {                   \
    const int at = get_global_id(0);                                                      \
    if (at >= count) return;                                                              \
    const int channels = p[0], groups = p[2], each = p[1] / groups;                       \
    constant int *size = p + 4, *taps = p + 7, *out = p + 10, *stride = p + 13;           \
    constant int *dilation = p + 16, *pad = p + 19;                                       \
                                                                                          \
    const int parts = (out[2] + WIDE - 1) / WIDE, shares = (each + MAPS - 1) / MAPS;      \
    const int o2 = at % parts * WIDE, o1 = at / parts % out[1];                           \
    const int o0 = at / (parts * out[1]) % out[0], rest = at / (parts * out[1] * out[0]); \
    const int group = rest / shares % groups, batch = rest / shares / groups;             \
    const int first = rest % shares * MAPS, maps = min(MAPS, each - first);               \
    const int s0 = o0 * stride[0] - pad[0], s1 = o1 * stride[1] - pad[1];                 \
    const int s2 = o2 * stride[2] - pad[2];                                               \
    const int f0 = first_tap(s0, dilation[0]);                                            \
    const int l0 = last_tap(s0, dilation[0], taps[0], size[0]);                           \
    const int f1 = first_tap(s1, dilation[1]);                                            \
    const int l1 = last_tap(s1, dilation[1], taps[1], size[1]);                           \
                                                                                          \
    const int area = size[0] * size[1] * size[2], window = taps[0] * taps[1] * taps[2];   \
    global const float *from = x + (batch * groups + group) * channels * area;            \
    global const float *weights[MAPS];                                                    \
    float8 totals[MAPS];                                                                  \
    EACH(m, MAPS) {                                                                       \
      weights[m] = w + (group * each + first + min(m, maps - 1)) * channels * window;     \
      totals[m] = 0;                                                                      \
    }                                                                                     \
    for (int block = 0; block < channels; block += BLOCK) {                               \
      float8 sums[MAPS];                                                                  \
      EACH(m, MAPS) sums[m] = 0;                                                          \
      for (int c = block; c < min(channels, block + BLOCK); ++c)                          \
        for (int k0 = f0; k0 < l0; ++k0)                                                  \
          for (int k1 = f1; k1 < l1; ++k1) {                                              \
            const int i0 = s0 + k0 * dilation[0], i1 = s1 + k1 * dilation[1];             \
            global const float *row = from + c * area + (i0 * size[1] + i1) * size[2];    \
            const int tap = c * window + (k0 * taps[1] + k1) * taps[2];                   \
            for (int k2 = 0; k2 < taps[2]; ++k2) {                                        \
              const int start = s2 + k2 * dilation[2];                                    \
              const float8 part = row_part(row, start, stride[2], size[2]);               \
              EACH(m, MAPS) sums[m] += part * weights[m][tap + k2];                       \
            }                                                                             \
          }                                                                               \
      EACH(m, MAPS) totals[m] += sums[m];                                                 \
    }                                                                                     \
    EACH(m, MAPS) {                                                                       \
      if (m >= maps) continue;                                                            \
      const int map = group * each + first + m;                                           \
      const int line = ((batch * p[1] + map) * out[0] + o0) * out[1] + o1;                \
      float found[WIDE];                                                                  \
      vstore8(p[3] ? totals[m] + b[map] : totals[m], 0, found);                           \
      for (int i = 0; i < min(WIDE, out[2] - o2); ++i)                                    \
        y[line * out[2] + o2 + i] = found[i];                                             \
    }                                                                                     \
  }

CONV(conv1, 1)
CONV(conv4, 4)

// x (N, groups * C, I0, I1, I2), w (groups * C, M / groups, K0, K1, K2), b (M)
// y (N, M, O0, O1, O2), p: as above; one item per output.
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
