/* The per-instruction-set builds of the bodies in *.inc, and the table that holds them. */
#include "CKernels.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* LANES floats a vector. ROWS and TALL: rows of the tiles that attention and products hold in registers, two vectors
 * wide. INTERLEAVE: the lower, the upper halves of two vectors, element by element. */
#if defined(__aarch64__)
#define PORTABLE_TALL 8
#else
#define PORTABLE_TALL 4
#endif

/* Baseline: 128-bit vectors, which every 64-bit target has. */
#define LANES 4
#define ROWS 6
#define TALL PORTABLE_TALL
#define INTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define INTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define ROW_NAME portable
#include "body.inc"
#undef LANES
#undef ROWS
#undef TALL
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH
#undef ROW_NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
#define ROWS 6
#define TALL 6
#define INTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define INTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define ROW_NAME avx2
#define HAS_F16C 1
#include "body.inc"
#undef LANES
#undef ROWS
#undef TALL
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH
#undef ROW_NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))), \
                             apply_to = function)
#define LANES 16
#define ROWS 8
#define TALL 14
#define INTERLEAVE_LOW(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define ROW_NAME avx512
#include "body.inc"
#undef LANES
#undef ROWS
#undef TALL
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH
#undef ROW_NAME
#undef HAS_F16C
#pragma clang attribute pop
#endif

static const struct kernels *const rows[] = {
    &table_portable,
#if defined(__x86_64__)
    &table_avx2,
    &table_avx512,
#endif
};

ptrdiff_t kernels_count(void) {
    ptrdiff_t count = 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        count = 2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
            count = 3;
        }
    }
#endif
    return count;
}

const struct kernels *kernels_row(ptrdiff_t index) { return rows[index]; }
