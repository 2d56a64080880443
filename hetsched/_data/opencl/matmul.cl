// y (batch, M, N) = alpha * a (batch, M, K) * b (batch, K, N) + beta * c
// p: M, N, K, strides of a by m and k, of b by k and n, of c by m and n, whether there is a c,
//    then the batch's dimensions, its strides in a, its strides in b

#define WIDE 8

// Sums are taken in blocks: the rounding error then grows with the block, not with the whole.
#define BLOCK 256

// A loop that is unrolled, so that what it indexes by i can be registers.
#define EACH(i, MANY) _Pragma("unroll") for (int i = 0; i < MANY; ++i)

// Where the batch of that number starts in a or in b.
inline int batch_start(int number, constant int *dims, constant int *strides, const int rank) {
  int start = 0;
  for (int axis = rank - 1; axis >= 0; --axis) {
    start += number % dims[axis] * strides[axis];
    number /= dims[axis];
  }
  return start;
}

// WIDE numbers in steps, of which the first so many are there; 0 for the others.
inline float8 part(global const float *from, const int step, const int there) {
  if (step == 1 && there >= WIDE) return vload8(0, from);
  float found[WIDE];
  for (int i = 0; i < WIDE; ++i) found[i] = i < there ? from[i * step] : 0;
  return vload8(0, found);
}

// One item makes WIDE neighbours in each of ROWS rows.
#define MATMUL(NAME, ROWS)                                                              \
  kernel void NAME(global const float *a, global const float *b, global const float *c, \
                   global float *y, constant int *p, const int rank, const float alpha, \
                   const float beta, const int count) {                                 \
    const int at = get_global_id(0);                                                    \
    if (at >= count) return;                                                            \
    const int parts = (p[1] + WIDE - 1) / WIDE, shares = (p[0] + ROWS - 1) / ROWS;      \
    const int n = at % parts * WIDE, m = at / parts % shares * ROWS;                    \
    const int batch = at / (parts * shares), rows = min(ROWS, p[0] - m);                \
    global const float *left = a + batch_start(batch, p + 10, p + 10 + rank, rank);     \
    global const float *right =                                                         \
        b + batch_start(batch, p + 10, p + 10 + 2 * rank, rank) + n * p[6];             \
    float8 totals[ROWS];                                                                \
    EACH(r, ROWS) totals[r] = 0;                                                        \
    for (int block = 0; block < p[2]; block += BLOCK) {                                 \
      float8 sums[ROWS];                                                                \
      EACH(r, ROWS) sums[r] = 0;                                                        \
      for (int k = block; k < min(p[2], block + BLOCK); ++k) {                          \
        const float8 taken = part(right + k * p[5], p[6], p[1] - n);                    \
        EACH(r, ROWS)                                                                   \
          sums[r] += taken * left[(m + min(r, rows - 1)) * p[3] + k * p[4]];            \
      }                                                                                 \
      EACH(r, ROWS) totals[r] += sums[r];                                               \
    }                                                                                   \
    EACH(r, ROWS) {                                                                     \
      if (r >= rows) continue;                                                          \
      float found[WIDE];                                                                \
      vstore8(alpha * totals[r], 0, found);                                             \
      for (int i = 0; i < min(WIDE, p[1] - n); ++i) {                                   \
        const float added = p[9] ? beta * c[(m + r) * p[7] + (n + i) * p[8]] : 0;       \
        y[(batch * p[0] + m + r) * p[1] + n + i] = found[i] + added;                    \
      }                                                                                 \
    }                                                                                   \
  }

MATMUL(matmul1, 1)
MATMUL(matmul4, 4)

// Where neighbours of a's rows and of b's columns are next to each other; one item per output.
kernel void dots(global const float *a, global const float *b, global const float *c,
                 global float *y, constant int *p, const int rank, const float alpha,
                 const float beta, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int n = at % p[1], m = at / p[1] % p[0], batch = at / (p[0] * p[1]);
  global const float *left = a + batch_start(batch, p + 10, p + 10 + rank, rank) + m * p[3];
  global const float *right = b + batch_start(batch, p + 10, p + 10 + 2 * rank, rank) + n * p[6];
  float8 totals = 0;
  for (int block = 0; block < p[2]; block += WIDE * BLOCK) {
    float8 sums = 0;
    for (int k = block; k < min(p[2], block + WIDE * BLOCK); k += WIDE)
      sums += part(left + k, 1, p[2] - k) * part(right + k, 1, p[2] - k);
    totals += sums;
  }
  const float4 four = totals.lo + totals.hi;
  const float2 two = four.lo + four.hi;
  const float sum = alpha * (two.x + two.y);
  y[at] = p[9] ? sum + beta * c[m * p[7] + n * p[8]] : sum;
}
