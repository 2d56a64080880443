// x (N, C, inner); one item per element.
kernel void batch_normalization(global const float *x, global const float *scale,
                                global const float *bias, global const float *mean,
                                global const float *variance, global float *y,
                                const int channels, const int inner, const float epsilon,
                                const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int c = at / inner % channels;
  y[at] = (x[at] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c];
}

// x (N, C, inner), over the channels around each; one item per element.
kernel void local_response(global const float *x, global float *y, const int channels,
                           const int inner, const int size, const float alpha,
                           const float beta, const float bias, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int c = at / inner % channels;
  const int first = max(0, c - (size - 1) / 2), last = min(channels - 1, c + size / 2);
  float sum = 0;
  for (int i = first; i <= last; ++i) {
    const float value = x[at + (i - c) * inner];
    sum += value * value;
  }
  y[at] = x[at] / pow(bias + alpha / size * sum, beta);
}
