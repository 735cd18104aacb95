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

/* Baseline: 128-bit vectors, which every 64-bit target has. */
#define LANES 4
#define ROWS 6
#define ROW_NAME portable
#include "body.inc"
#undef LANES
#undef ROWS
#undef ROW_NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
#define ROWS 6
#define ROW_NAME avx2
#define HAS_F16C 1
#include "body.inc"
#undef LANES
#undef ROWS
#undef ROW_NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))), \
                             apply_to = function)
#define LANES 16
#define ROWS 8
#define ROW_NAME avx512
#include "body.inc"
#undef LANES
#undef ROWS
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
