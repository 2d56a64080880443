// Softmax along one axis of (outer, length, inner); one item per line along it.

#define SOFTMAX(NAME, RESULT)                                                            \
  kernel void NAME(global const float *from, global float *to, const int length,         \
                   const int inner, const int count) {                                   \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    const int start = at / inner * length * inner + at % inner;                          \
    float most = from[start];                                                            \
    for (int i = 1; i < length; ++i) most = fmax(most, from[start + i * inner]);         \
    float sum = 0;                                                                       \
    for (int i = 0; i < length; ++i) sum += exp(from[start + i * inner] - most);         \
    const float log_sum = log(sum);                                                      \
    for (int i = 0; i < length; ++i) {                                                   \
      const float x = from[start + i * inner] - most;                                    \
      to[start + i * inner] = RESULT;                                                    \
    }                                                                                    \
  }

SOFTMAX(Softmax, exp(x) / sum)
SOFTMAX(LogSoftmax, x - log_sum)
