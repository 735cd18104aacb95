/* The per-instruction-set builds of int8.inc, the table that holds them, and the packing of weights. */
#include "CKernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#define INT8_DOT_PLAIN 0
#define INT8_DOT_PAIRS 1
#define INT8_DOT_VNNI 2

/* Output channels of the panel that starts with `left` of them to go, padding included. */
INLINE ptrdiff_t int8_panel_width(ptrdiff_t left) {
    return left >= INT8_PANEL ? INT8_PANEL : (left + INT8_PANEL_STEP - 1) / INT8_PANEL_STEP * INT8_PANEL_STEP;
}

#define LANES 4
#define ROWS 2
#define VECTORS 2
#define ROW_NAME portable
#define INT8_DOT INT8_DOT_PLAIN
#include "int8.inc"
#undef LANES
#undef ROWS
#undef VECTORS
#undef ROW_NAME
#undef INT8_DOT

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define ROWS 4
#define VECTORS 2
#define ROW_NAME avx2
#define INT8_DOT INT8_DOT_PAIRS
#include "int8.inc"
#undef LANES
#undef ROWS
#undef VECTORS
#undef ROW_NAME
#undef INT8_DOT
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#define LANES 16
#define ROWS 8
#define VECTORS 2
#define ROW_NAME avx512
#define INT8_DOT INT8_DOT_PAIRS
#include "int8.inc"
#undef LANES
#undef ROWS
#undef VECTORS
#undef ROW_NAME
#undef INT8_DOT
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#define LANES 16
#define ROWS 6
#define VECTORS 4
#define ROW_NAME avx512vnni
#define INT8_DOT INT8_DOT_VNNI
#include "int8.inc"
#undef LANES
#undef ROWS
#undef VECTORS
#undef ROW_NAME
#undef INT8_DOT
#pragma clang attribute pop
#endif

static const struct int8_kernels *const rows[] = {
    &int8_table_portable,
#if defined(__x86_64__)
    &int8_table_avx2,
    &int8_table_avx512,
    &int8_table_avx512vnni,
#endif
};

ptrdiff_t int8_kernels_count(void) {
    ptrdiff_t count = kernels_count();
#if defined(__x86_64__)
    /* The same levels as those of the float kernels, and one more. */
    if (count == 3 && __builtin_cpu_supports("avx512vnni")) count = 4;
#endif
    return count;
}

const struct int8_kernels *int8_kernels_row(ptrdiff_t index) { return rows[index]; }

ptrdiff_t int8_packed_size(ptrdiff_t columns, ptrdiff_t depth) {
    const ptrdiff_t whole = columns / INT8_PANEL * INT8_PANEL;
    const ptrdiff_t groups = (depth + INT8_GROUP - 1) / INT8_GROUP;
    return (whole + int8_panel_width(columns - whole)) * groups * INT8_GROUP;
}

void int8_pack(int8_t *packed, int32_t *sums, float *scales, const float *weight, ptrdiff_t columns, ptrdiff_t depth,
               ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t groups = (depth + INT8_GROUP - 1) / INT8_GROUP;
    for (ptrdiff_t j = first; j < last; j += INT8_PANEL) {
        const ptrdiff_t width = int8_panel_width(columns - j), filled = last - j < width ? last - j : width;
        int8_t *panel = packed + j * groups * INT8_GROUP;
        memset(panel, 0, (size_t)(width * groups * INT8_GROUP));
        for (ptrdiff_t c = 0; c < filled; c++) {
            const float *row = weight + (j + c) * depth;
            float most = 0;
            for (ptrdiff_t d = 0; d < depth; d++) most = fabsf(row[d]) > most ? fabsf(row[d]) : most;
            const float scale = most / 127.0f;
            const float reciprocal = scale < FLT_MIN ? 0.0f : 1.0f / scale; /* smaller weights are as good as none */
            int32_t sum = 0;
            for (ptrdiff_t d = 0; d < depth; d++) {
                float code = rintf(row[d] * reciprocal);
                code = code > 127.0f ? 127.0f : code < -127.0f ? -127.0f : code;
                panel[(d / INT8_GROUP * width + c) * INT8_GROUP + d % INT8_GROUP] = (int8_t)code;
                sum += (int32_t)code;
            }
            scales[j + c] = scale < FLT_MIN ? 0.0f : scale;
            sums[j + c] = sum;
        }
    }
}
