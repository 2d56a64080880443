// y (batch, M, N) = alpha * a (batch, M, K) * b (batch, K, N) + beta * c; one item per output.
// p: M, N, K, strides of a by m and k, of b by k and n, of c by m and n, whether there is a c,
//    then the batch's dimensions, its strides in a, its strides in b
kernel void matmul(global const float *a, global const float *b, global const float *c,
                   global float *y, constant int *p, const int rank, const float alpha,
                   const float beta, const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  const int m = at / p[1] % p[0], n = at % p[1];
  int rest = at / (p[0] * p[1]);
  global const float *row = a + m * p[3], *column = b + n * p[6];
  constant int *batch = p + 10;
  for (int axis = rank - 1; axis >= 0; --axis) {
    const int index = rest % batch[axis];
    rest /= batch[axis];
    row += index * batch[rank + axis];
    column += index * batch[2 * rank + axis];
  }
  float sum = 0;
  for (int k = 0; k < p[2]; ++k) sum += row[k * p[4]] * column[k * p[5]];
  sum *= alpha;
  y[at] = p[9] ? sum + beta * c[m * p[7] + n * p[8]] : sum;
}
