/* Vector kernels for float tensors: one body compiled for every instruction set, chosen at run time.
 *
 * T tokens, C channels, D channels of one head. All arrays are row-major floats; counts and strides are in elements.
 * Unless said otherwise `out` may be the same array as an input, but not overlap one partly. Callers check sizes: the
 * kernels trust them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What to apply to the sum in bias_rows. */
enum { ACTIVATION_NONE = 0, ACTIVATION_GELU = 1, ACTIVATION_RELU = 2 };

/* c = activation(a . b + bias) * gelu'(slope) + residual: a [rows, depth], b [depth, columns] packed by product_pack. */
struct product {
    float *c;
    const float *a;
    const float *b_packed;
    const float *bias;     /* [columns], or NULL */
    const float *residual; /* [rows, columns], or NULL; not c itself, which is written first */
    float *before;         /* [rows, columns], where a . b + bias goes too; or NULL */
    const float *slope;    /* [rows, columns], where the GELU of a backward pass was taken, or NULL: no such factor */
    ptrdiff_t c_stride, a_stride, residual_stride, before_stride, slope_stride;
    ptrdiff_t rows, columns, depth; /* depth > 0 */
    int activation;
    int accumulate; /* whether a . b is added to what c holds */
};

/* One head of one image or window. Row t of q, k, v, out starts at t * stride. */
struct attention {
    const float *q;   /* [queries, depth] */
    const float *k;   /* [keys, depth] */
    const float *v;   /* [keys, value_depth] */
    float *out;       /* [queries, value_depth] */
    float *log_sums;  /* [queries], log of the sum of exponentials, kept for the backward pass; or NULL */
    ptrdiff_t q_stride, k_stride, v_stride, out_stride;
    ptrdiff_t queries, keys, depth, value_depth;
    float scale;      /* on q . k */
    /* Decomposed relative positions (Li et al., MViTv2, section 4.1), or NULL: keys form height x width, and the
     * score of query (y, x) and key (j, i) gains q . rel_height[y - j + height - 1] + q . rel_width[x - i + width - 1],
     * from the unscaled q. Query 0 of this call is token `first_query` of the grid. */
    const float *rel_height; /* [2 * height - 1, depth] */
    const float *rel_width;  /* [2 * width - 1, depth] */
    ptrdiff_t height, width, first_query;
    /* A window of a map: its tokens stand in lines of `width`, of which the first present_width of the first
     * present_height lines exist; token (y, x) is row y * line + x of the arrays. The keys and values of the others are
     * the padding rows; of queries only those that exist are asked, row by row. 0: rows simply follow each other. */
    ptrdiff_t line, present_height, present_width;
    const float *k_padding; /* [depth] */
    const float *v_padding; /* [value_depth] */
};

/* Gradients of struct attention's inputs, from d_out. All are added to, never overwritten. */
struct attention_gradients {
    const float *d_out; /* like out */
    float *d_q, *d_k, *d_v;     /* strides as the inputs' own below */
    ptrdiff_t d_out_stride, d_q_stride, d_k_stride, d_v_stride;
    float *d_rel_height, *d_rel_width; /* as the tables, or NULL when nobody asks */
    float *d_k_padding, *d_v_padding;  /* as the padding rows, or NULL */
};

struct kernels {
    const char *name;
    ptrdiff_t lanes; /* floats of one vector */

    void (*add)(float *out, const float *a, const float *b, ptrdiff_t count);
    void (*subtract)(float *out, const float *a, const float *b, ptrdiff_t count);
    void (*multiply)(float *out, const float *a, const float *b, ptrdiff_t count);
    void (*scale)(float *out, const float *a, float factor, ptrdiff_t count);
    /* out += factor * a */
    void (*add_scaled)(float *out, const float *a, float factor, ptrdiff_t count);
    double (*sum)(const float *a, ptrdiff_t count);
    /* out[c] += sum over rows of a[r, c] */
    void (*add_column_sums)(float *out, const float *a, ptrdiff_t rows, ptrdiff_t columns);
    /* x[r, c] = activation(x[r, c] + bias[c]); bias may be NULL */
    void (*bias_rows)(float *x, const float *bias, ptrdiff_t rows, ptrdiff_t columns, int activation);

    /* x/2 (1 + erf(x / sqrt 2)) */
    void (*gelu)(float *out, const float *x, ptrdiff_t count);
    void (*gelu_backward)(float *d_x, const float *x, const float *d_out, ptrdiff_t count);
    void (*relu)(float *out, const float *x, ptrdiff_t count);
    /* From the output: its gradient where that is positive, else 0. */
    void (*relu_backward)(float *d_x, const float *out, const float *d_out, ptrdiff_t count);

    /* out = (x - mean) * reciprocal_deviation * weight + bias by rows; the two statistics, [rows], may be NULL */
    void (*layer_norm)(float *out, float *mean, float *reciprocal_deviation, const float *x, const float *weight,
                       const float *bias, ptrdiff_t rows, ptrdiff_t columns, float epsilon);
    /* d_x is overwritten; d_weight and d_bias [columns] are added to, and may be NULL, as may d_x */
    void (*layer_norm_backward)(float *d_x, float *d_weight, float *d_bias, const float *x, const float *weight,
                                const float *mean, const float *reciprocal_deviation, const float *d_out,
                                ptrdiff_t rows, ptrdiff_t columns);
    /* Down the middle axis of x[rows, groups, width], in place. */
    void (*softmax_groups)(float *x, ptrdiff_t rows, ptrdiff_t groups, ptrdiff_t width);

    /* Columns of one packed panel of b; rows that are computed together, of which slices are best multiples. */
    ptrdiff_t product_columns, product_rows;
    /* Floats of b packed, and of one slice's scratch. */
    ptrdiff_t (*product_packed)(ptrdiff_t columns, ptrdiff_t depth);
    ptrdiff_t (*product_scratch)(void);
    /* Packs panels first ..< last of b [depth, columns], or, if `transposed`, of the transpose of b [columns, depth]. */
    void (*product_pack)(float *packed, const float *b, ptrdiff_t stride, int transposed, ptrdiff_t columns,
                         ptrdiff_t depth, ptrdiff_t first, ptrdiff_t last);
    /* Rows first_row ..< last_row of the columns of panels first_panel ..< last_panel. */
    void (*product)(const struct product *task, ptrdiff_t first_row, ptrdiff_t last_row, ptrdiff_t first_panel,
                    ptrdiff_t last_panel, float *scratch);

    /* Floats of scratch that the two passes need; their sum stays linear in keys. */
    ptrdiff_t (*attention_scratch)(const struct attention *task);
    ptrdiff_t (*attention_backward_scratch)(const struct attention *task);
    void (*attention)(const struct attention *task, float *scratch);
    /* task->out and task->log_sums are inputs here, as the forward pass left them. */
    void (*attention_backward)(const struct attention *task, const struct attention_gradients *gradients,
                               float *scratch);

    void (*float_from_half)(float *out, const uint16_t *a, ptrdiff_t count);
    /* To nearest even; beyond 65504 becomes infinite. */
    void (*half_from_float)(uint16_t *out, const float *a, ptrdiff_t count);
    void (*float_from_bfloat)(float *out, const uint16_t *a, ptrdiff_t count);

    /* One AdamW step in place (Loshchilov & Hutter 2019, algorithm 2). The corrections are 1 / (1 - beta^step). */
    void (*adamw)(float *parameter, float *first, float *second, const float *gradient, ptrdiff_t count, float rate,
                  float beta1, float beta2, float epsilon, float decay, float first_correction,
                  float second_correction);
};

/* Rows of the table that this machine can run, slowest first; the portable one always exists. */
ptrdiff_t kernels_count(void);
/* Row `index`, 0 ..< kernels_count(). */
const struct kernels *kernels_row(ptrdiff_t index);

#include "CKernelsInt8.h"
