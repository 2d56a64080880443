// One item per element. NaN goes through, as in NumPy.

#define UNARY(NAME, RESULT)                                                              \
  kernel void NAME(global const float *from, global float *to, const float alpha,        \
                   const float beta, const int count) {                                  \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    const float x = from[at];                                                            \
    to[at] = RESULT;                                                                     \
  }

// shape: dimensions, then strides of a, then strides of b (0 where it is broadcast).
#define BINARY(NAME, RESULT)                                                             \
  kernel void NAME(global const float *from_a, global const float *from_b,               \
                   global float *to, constant int *shape, const int rank,                \
                   const int count) {                                                    \
    const int at = get_global_id(0);                                                     \
    if (at >= count) return;                                                             \
    int rest = at, at_a = 0, at_b = 0;                                                   \
    for (int axis = rank - 1; axis > 0; --axis) {                                        \
      const int index = rest % shape[axis];                                              \
      rest /= shape[axis];                                                               \
      at_a += index * shape[rank + axis];                                                \
      at_b += index * shape[2 * rank + axis];                                            \
    }                                                                                    \
    const float a = from_a[at_a + rest * shape[rank]];                                   \
    const float b = from_b[at_b + rest * shape[2 * rank]];                               \
    to[at] = RESULT;                                                                     \
  }

inline float softplus(const float x) { return fmax(x, 0.0f) + log1p(exp(-fabs(x))); }

inline float clip(const float x, const float low, const float high) {
  const float raised = x < low ? low : x;
  return raised > high ? high : raised;
}

inline float smaller(const float a, const float b) { return a != a || a < b ? a : b; }

inline float larger(const float a, const float b) { return a != a || a > b ? a : b; }

UNARY(Abs, fabs(x))
UNARY(Acos, acos(x))
UNARY(Acosh, acosh(x))
UNARY(Asin, asin(x))
UNARY(Asinh, asinh(x))
UNARY(Atan, atan(x))
UNARY(Atanh, atanh(x))
UNARY(Ceil, ceil(x))
UNARY(Celu, x > 0 ? x : alpha * expm1(x / alpha))
UNARY(Clip, clip(x, alpha, beta))
UNARY(Cos, cos(x))
UNARY(Cosh, cosh(x))
UNARY(Elu, x < 0 ? alpha * expm1(x) : x)
UNARY(Erf, erf(x))
UNARY(Exp, exp(x))
UNARY(Floor, floor(x))
UNARY(Gelu, 0.5f * x * (1 + erf(x * M_SQRT1_2_F)))
UNARY(GeluTanh, 0.5f * x * (1 + tanh(M_2_SQRTPI_F * M_SQRT1_2_F * (x + 0.044715f * x * x * x))))
UNARY(HardSigmoid, clip(alpha * x + beta, 0, 1))
UNARY(HardSwish, x * clip(x / 6 + 0.5f, 0, 1))
UNARY(LeakyRelu, x < 0 ? alpha * x : x)
UNARY(Log, log(x))
UNARY(Mish, x * tanh(softplus(x)))
UNARY(Neg, -x)
UNARY(Reciprocal, 1 / x)
UNARY(Relu, x < 0 ? 0 : x)
UNARY(Round, rint(x))
UNARY(Scale, alpha * x)
UNARY(Selu, beta * (x > 0 ? x : alpha * expm1(x)))
UNARY(Sigmoid, 1 / (1 + exp(-x)))
UNARY(Sign, x > 0 ? 1 : x < 0 ? -1 : x)
UNARY(Sin, sin(x))
UNARY(Sinh, sinh(x))
UNARY(Softplus, softplus(x))
UNARY(Softsign, x / (1 + fabs(x)))
UNARY(Sqrt, sqrt(x))
UNARY(Tan, tan(x))
UNARY(Tanh, tanh(x))
UNARY(ThresholdedRelu, x > alpha ? x : 0)

BINARY(Add, a + b)
BINARY(Div, a / b)
BINARY(Max, larger(a, b))
BINARY(Min, smaller(a, b))
BINARY(Mod, fmod(a, b))
BINARY(Mul, a *b)
BINARY(PRelu, a < 0 ? a * b : a)
BINARY(Pow, pow(a, b))
BINARY(Sub, a - b)
