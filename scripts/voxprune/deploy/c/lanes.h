/* Vectors of 4 and 8 floats: the processor's own where the compiler has them (GCC, Clang), plain C99 elsewhere or where
 * MODEL_PLAIN is defined. */

#if defined(__GNUC__) && !defined(MODEL_PLAIN)
#define ALIGNED __attribute__((aligned(64)))
typedef float v4 __attribute__((vector_size(16)));
typedef int mask4 __attribute__((vector_size(16)));
typedef float loose4 __attribute__((vector_size(16), aligned(4), may_alias));
#define LOAD4(v, p) ((v) = *(const loose4 *)(p))
#define STORE4(p, v) (*(loose4 *)(p) = (v))
#define SPLAT4(v, x) do { const float one_ = (x); (v) = (v4){one_, one_, one_, one_}; } while (0)
#define MADD4(s, a, b) ((s) += (a) * (b))
#define ADD4(s, a) ((s) += (a))
#define RELU4(v) ((v) = (v4)((mask4)(v) & ((v) > (v4){0})))
#define LEAKY4(v, slope) do { v4 low_; SPLAT4(low_, slope); low_ *= (v); const mask4 up_ = (v) > (v4){0}; \
    (v) = (v4)(((mask4)(v) & up_) | ((mask4)low_ & ~up_)); } while (0)
#else
#define ALIGNED
typedef struct { float lane[4]; } v4;
#define EACH4(statement) do { for (int i_ = 0; i_ < 4; i_++) { statement; } } while (0)
#define LOAD4(v, p) EACH4((v).lane[i_] = (p)[i_])
#define STORE4(p, v) EACH4((p)[i_] = (v).lane[i_])
#define SPLAT4(v, x) EACH4((v).lane[i_] = (x))
#define MADD4(s, a, b) EACH4((s).lane[i_] += (a).lane[i_] * (b).lane[i_])
#define ADD4(s, a) EACH4((s).lane[i_] += (a).lane[i_])
#define RELU4(v) EACH4(if (!((v).lane[i_] > 0.0f)) (v).lane[i_] = 0.0f)
#define LEAKY4(v, slope) EACH4(if (!((v).lane[i_] > 0.0f)) (v).lane[i_] *= (slope))
#endif

/* Keeps a vector in a register, where GCC would load it again for each use. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(MODEL_PLAIN)
#define HOLD(v) __asm__("" : "+x"(v))
#else
#define HOLD(v) (void)(v)
#endif
#define HOLD4(v) HOLD(v)

#if defined(__AVX__) && defined(__GNUC__) && !defined(MODEL_PLAIN)
typedef float v8 __attribute__((vector_size(32)));
typedef int mask8 __attribute__((vector_size(32)));
typedef float loose8 __attribute__((vector_size(32), aligned(4), may_alias));
#define LOAD8(v, p) ((v) = *(const loose8 *)(p))
#define STORE8(p, v) (*(loose8 *)(p) = (v))
#define SPLAT8(v, x) do { const float one_ = (x); (v) = (v8){one_, one_, one_, one_, one_, one_, one_, one_}; } while (0)
#define MADD8(s, a, b) ((s) += (a) * (b))
#define ADD8(s, a) ((s) += (a))
#define RELU8(v) ((v) = (v8)((mask8)(v) & ((v) > (v8){0})))
#define HOLD8(v) HOLD(v)
#define LEAKY8(v, slope) do { v8 low_; SPLAT8(low_, slope); low_ *= (v); const mask8 up_ = (v) > (v8){0}; \
    (v) = (v8)(((mask8)(v) & up_) | ((mask8)low_ & ~up_)); } while (0)
#else
typedef struct { v4 low, high; } v8;
#define LOAD8(v, p) do { LOAD4((v).low, (p)); LOAD4((v).high, (p) + 4); } while (0)
#define STORE8(p, v) do { STORE4((p), (v).low); STORE4((p) + 4, (v).high); } while (0)
#define SPLAT8(v, x) do { SPLAT4((v).low, x); SPLAT4((v).high, x); } while (0)
#define MADD8(s, a, b) do { MADD4((s).low, (a).low, (b).low); MADD4((s).high, (a).high, (b).high); } while (0)
#define ADD8(s, a) do { ADD4((s).low, (a).low); ADD4((s).high, (a).high); } while (0)
#define RELU8(v) do { RELU4((v).low); RELU4((v).high); } while (0)
#define HOLD8(v) do { HOLD((v).low); HOLD((v).high); } while (0)
#define LEAKY8(v, slope) do { LEAKY4((v).low, slope); LEAKY4((v).high, slope); } while (0)
#endif
