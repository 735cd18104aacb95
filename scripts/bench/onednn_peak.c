/* The rate of oneDNN's f32 product at the shapes of a ViT-B block, which bounds an encoder built on it.
 *
 *   cc -O2 scripts/bench/onednn_peak.c -ldnnl -o onednn_peak && OMP_NUM_THREADS=2 ./onednn_peak
 *
 * Prints a line for each shape, the best and the median of 15 products, and the rate of a whole block. */
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15, SHAPES = 4 };

/* Tokens, inputs and outputs of: query, key and value; attention's output; the two layers of the MLP. */
static const long shapes[SHAPES][3] = {{4096, 768, 2304}, {4096, 768, 768}, {4096, 768, 3072}, {4096, 3072, 768}};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static float *matrix(long count) {
    float *values = aligned_alloc(64, count * sizeof(float));
    if (!values) exit(1);
    for (long i = 0; i < count; i++) values[i] = (float)(i % 61) / 61 - 0.5f;
    return values;
}

int main(void) {
    double work = 0, time = 0;
    for (int shape = 0; shape < SHAPES; shape++) {
        long rows = shapes[shape][0], depth = shapes[shape][1], columns = shapes[shape][2];
        float *input = matrix(rows * depth), *weight = matrix(columns * depth), *output = matrix(rows * columns);
        double samples[ROUNDS];
        for (int round = -2; round < ROUNDS; round++) {
            double start = seconds();
            if (dnnl_sgemm('N', 'T', rows, columns, depth, 1, input, depth, weight, depth, 0, output, columns) != dnnl_success)
                return 1;
            if (round >= 0) samples[round] = seconds() - start;
        }
        qsort(samples, ROUNDS, sizeof *samples, ascending);
        double flops = 2.0 * rows * depth * columns;
        printf("%ldx%ldx%ld: best %.0f, median %.0f GFLOP/s\n", rows, depth, columns, flops / samples[0] / 1e9,
               flops / samples[ROUNDS / 2] / 1e9);
        work += flops;
        time += samples[ROUNDS / 2];
        free(input), free(weight), free(output);
    }
    printf("a block's products: %.0f GFLOP/s\n", work / time / 1e9);
    return 0;
}
