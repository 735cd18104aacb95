/* Pillow's 8-bit resampling (src/libImaging/Resample.c) in the same fixed point, so that results agree bit for bit:
   sums start at one half, weights have 22 fractional bits, and each pass rounds to a byte. */
#include "CImaging.h"

enum { FRACTION_BITS = 22, ONE_HALF = 1 << (FRACTION_BITS - 1) };

static inline uint8_t rounded_byte(int32_t sum) {
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void cimaging_resample_rgb_rows(const uint8_t *source, size_t rows, size_t in_width, uint8_t *target,
                                const cimaging_taps *taps, size_t out_width) {
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *in = source + row * in_width * 3;
        for (size_t x = 0; x < out_width; x++) {
            const int32_t *weights = taps[x].weights;
            const uint8_t *pixel = in + 3 * (size_t)taps[x].first;
            int32_t red = ONE_HALF, green = ONE_HALF, blue = ONE_HALF;
            for (int32_t k = 0; k < taps[x].count; k++, pixel += 3) {
                red += pixel[0] * weights[k];
                green += pixel[1] * weights[k];
                blue += pixel[2] * weights[k];
            }
            *target++ = rounded_byte(red);
            *target++ = rounded_byte(green);
            *target++ = rounded_byte(blue);
        }
    }
}

void cimaging_resample_columns(const uint8_t *source, size_t row_bytes, uint8_t *target, const cimaging_taps *taps,
                               size_t out_height) {
    enum { TILE = 256 }; /* sums stay in the first-level cache, rows are read in order */
    int32_t sums[TILE];
    for (size_t y = 0; y < out_height; y++, target += row_bytes) {
        const uint8_t *first = source + (size_t)taps[y].first * row_bytes;
        for (size_t start = 0; start < row_bytes; start += TILE) {
            const size_t count = row_bytes - start < TILE ? row_bytes - start : TILE;
            for (size_t i = 0; i < count; i++) sums[i] = ONE_HALF;
            for (int32_t k = 0; k < taps[y].count; k++) {
                const uint8_t *in = first + (size_t)k * row_bytes + start;
                const int32_t weight = taps[y].weights[k];
                for (size_t i = 0; i < count; i++) sums[i] += in[i] * weight;
            }
            for (size_t i = 0; i < count; i++) target[start + i] = rounded_byte(sums[i]);
        }
    }
}
