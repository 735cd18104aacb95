/* Products of 8-bit codes: activations quantised by rows when they come, weights by output channels once.
 *
 * A row x of activations is x[d] ~ scale * (code[d] - zero) with codes of 0...255, and 0 itself has a code of its own:
 * what is exactly zero stays so. A row w of weights is w[d] ~ scale * code[d] with codes of -127...127. All sums of
 * products are exact 32-bit integers, so they are the same on every instruction set. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    INT8_GROUP = 4,      /* depth that one lane multiplies and adds at once: codes of rows are padded to it */
    INT8_PANEL = 64,     /* output channels packed side by side; the last panel may have fewer */
    INT8_PANEL_STEP = 16, /* what the width of the last panel is a multiple of */
    INT8_MAXIMUM_DEPTH = 0x7fffffff / (255 * 127), /* beyond, a sum might not fit 32 bits */
};

/* A linear layer's weights: per panel of output channels [depth / 4][channel][4]. */
struct int8_weights {
    const int8_t *packed;  /* int8_packed_size() bytes */
    const int32_t *sums;   /* [columns], of the codes of each output channel */
    const float *scales;   /* [columns] */
    ptrdiff_t columns, depth;
};

/* Quantised rows: codes are [rows, depth rounded up to INT8_GROUP]. */
struct int8_rows {
    const uint8_t *codes;
    const float *scales;   /* [rows]; NaN for a row that held a value that is not finite */
    const int32_t *zeros;  /* [rows], the code of 0 */
    ptrdiff_t rows;
};

/* What becomes of the sums: out = activation(sum * scales + bias) + residual. Strides in floats. */
struct int8_result {
    float *out;
    ptrdiff_t out_stride;
    const float *bias;      /* [columns], or NULL */
    const float *residual;  /* [rows, columns], may be `out`; or NULL */
    ptrdiff_t residual_stride;
    int activation;         /* ACTIVATION_... */
};

struct int8_kernels {
    const char *name;
    /* Quantises x[rows, columns], rows x_stride floats apart. */
    void (*quantize_rows)(uint8_t *codes, float *scales, int32_t *zeros, const float *x, ptrdiff_t x_stride,
                          ptrdiff_t rows, ptrdiff_t columns);
    void (*product)(const struct int8_result *result, const struct int8_rows *rows, const struct int8_weights *weights);
};

/* Rows of the table that this machine can run, slowest first; the portable one always exists. */
ptrdiff_t int8_kernels_count(void);
/* Row `index`, 0 ..< int8_kernels_count(). */
const struct int8_kernels *int8_kernels_row(ptrdiff_t index);

/* Bytes of packed weights. */
ptrdiff_t int8_packed_size(ptrdiff_t columns, ptrdiff_t depth);
/* Quantises and packs output channels first ..< last of weight[columns, depth], finite; `first` is a multiple of
 * INT8_PANEL, and `last` too or equal to `columns`. Writes their parts of the three arrays of struct int8_weights. */
void int8_pack(int8_t *packed, int32_t *sums, float *scales, const float *weight, ptrdiff_t columns, ptrdiff_t depth,
               ptrdiff_t first, ptrdiff_t last);
