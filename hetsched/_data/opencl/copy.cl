// Moving elements of 1, 2, 4 or 8 bytes; one item per element that is written.

// shape: dimensions, then strides of from, then strides of to.
#define COPY(NAME, TYPE)                                                                 \
  kernel void NAME(global const TYPE *from, global TYPE *to, constant int *shape,        \
                   const int rank, const int from_start, const int to_start,             \
                   const int count) {                                                    \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    int rest = at, source = from_start, target = to_start;                               \
    for (int axis = rank - 1; axis > 0; --axis) {                                        \
      const int index = rest % shape[axis];                                              \
      rest /= shape[axis];                                                               \
      source += index * shape[rank + axis];                                              \
      target += index * shape[2 * rank + axis];                                          \
    }                                                                                    \
    to[target + rest * shape[2 * rank]] = from[source + rest * shape[rank]];             \
  }

// shape: dimensions of to, then where each axis's table starts. A table has, per index of to,
// what to add to the place in from; -1 where the fill goes.
#define PICK(NAME, TYPE)                                                                 \
  kernel void NAME(global const TYPE *from, global TYPE *to, constant int *shape,        \
                   global const int *tables, const int rank, const TYPE fill,            \
                   const int count) {                                                    \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    int rest = at, source = 0;                                                           \
    bool outside = false;                                                                \
    for (int axis = rank - 1; axis >= 0; --axis) {                                       \
      const int step = tables[shape[rank + axis] + rest % shape[axis]];                  \
      rest /= shape[axis];                                                               \
      outside |= step < 0;                                                               \
      source += step;                                                                    \
    }                                                                                    \
    to[at] = outside ? fill : from[source];                                              \
  }

COPY(copy1, uchar)
COPY(copy2, ushort)
COPY(copy4, uint)
COPY(copy8, ulong)
PICK(pick1, uchar)
PICK(pick2, ushort)
PICK(pick4, uint)
PICK(pick8, ulong)
