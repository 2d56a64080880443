// Reductions over any axes; one item per output.
// shape: dimensions kept, their strides, dimensions reduced, their strides

// Sums are taken in blocks: the rounding error then grows with the block, not with the whole.
#define BLOCK 256

#define REDUCE(NAME, START, FIRST, TAKE, JOIN, RESULT)                                   \
  kernel void NAME(global const float *from, global float *to, constant int *shape,      \
                   const int kept, const int reduced, const int each, const int count) { \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    constant int *inner = shape + 2 * kept;                                              \
    int rest = at, start = 0;                                                            \
    for (int axis = kept - 1; axis >= 0; --axis) {                                       \
      start += rest % shape[axis] * shape[kept + axis];                                  \
      rest /= shape[axis];                                                               \
    }                                                                                    \
    float total = START;                                                                 \
    for (int block = 0; block < each; block += BLOCK) {                                  \
      float sum = FIRST;                                                                 \
      for (int i = block; i < min(each, block + BLOCK); ++i) {                           \
        int left = i, place = start;                                                     \
        for (int axis = reduced - 1; axis > 0; --axis) {                                 \
          place += left % inner[axis] * inner[reduced + axis];                           \
          left /= inner[axis];                                                           \
        }                                                                                \
        const float x = from[place + left * inner[reduced]];                             \
        sum = TAKE;                                                                      \
      }                                                                                  \
      total = JOIN;                                                                      \
    }                                                                                    \
    to[at] = RESULT;                                                                     \
  }

inline float smaller(const float a, const float b) { return a != a || a < b ? a : b; }

inline float larger(const float a, const float b) { return a != a || a > b ? a : b; }

REDUCE(ReduceL1, 0, 0, sum + fabs(x), total + sum, total)
REDUCE(ReduceL2, 0, 0, sum + x * x, total + sum, sqrt(total))
REDUCE(ReduceLogSum, 0, 0, sum + x, total + sum, log(total))
REDUCE(ReduceMax, -INFINITY, -INFINITY, larger(sum, x), larger(total, sum), total)
REDUCE(ReduceMean, 0, 0, sum + x, total + sum, total / each)
REDUCE(ReduceMin, INFINITY, INFINITY, smaller(sum, x), smaller(total, sum), total)
REDUCE(ReduceProd, 1, 1, sum * x, total * sum, total)
REDUCE(ReduceSum, 0, 0, sum + x, total + sum, total)
REDUCE(ReduceSumSquare, 0, 0, sum + x * x, total + sum, total)
