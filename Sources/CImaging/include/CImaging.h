/* What Imaging needs in C: libpng, whose setjmp/longjmp must not cross Swift frames, and the inner loops of resizing.
   Nothing here decides or allocates by itself what a file asks for: sizes come from Swift, checked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CIMAGING_MESSAGE_LENGTH = 128 };

/* CRC-32 of PNG chunks (ISO 3309), over type and data. */
uint32_t cimaging_crc32(const uint8_t *bytes, size_t length);

/* What the caller learnt from the IHDR chunk and expects the decoder to see again. */
typedef struct {
    uint32_t width;
    uint32_t height;
    int bit_depth; /* 1, 2, 4, 8, 16 */
    int channels;  /* samples per pixel in the file; 1 for a palette's indices */
} cimaging_png_format;

/* Decodes a whole PNG into `samples` ([height, width, channels], host byte order, unscaled, no gamma; palettes as
   indices). Chunk checksums are not verified again, and what follows the last row is not read.
   0, or -1 with a zero-terminated message. */
int cimaging_png_decode(const uint8_t *bytes, size_t length, cimaging_png_format format, uint16_t *samples,
                        char message[CIMAGING_MESSAGE_LENGTH]);

/* A PNG made by cimaging_png_encode; free it with cimaging_free. */
typedef struct {
    uint8_t *bytes;
    size_t length;
} cimaging_buffer;

typedef enum {
    CIMAGING_FLAT,       /* masks and label maps: long runs, no filter */
    CIMAGING_PHOTOGRAPH, /* grey values: adaptive filters */
} cimaging_content;

/* Encodes [height, width, channels] samples: bytes up to 8 bits, else uint16_t in host order. 0, or -1 when memory is out. */
int cimaging_png_encode(const void *samples, cimaging_png_format format, cimaging_content content,
                        cimaging_buffer *encoded);

void cimaging_free(cimaging_buffer *buffer);

/* One output pixel of a resampling pass: `count` weights from `weights`, applied to inputs from `first`. */
typedef struct {
    int32_t first;
    int32_t count;
    const int32_t *weights; /* fixed point, 1.0 is 1 << 22 */
} cimaging_taps;

/* [rows, in_width, 3] to [rows, out_width, 3], rows independent. */
void cimaging_resample_rgb_rows(const uint8_t *source, size_t rows, size_t in_width, uint8_t *target,
                                const cimaging_taps *taps, size_t out_width);

/* [in_height, row_bytes] to [out_height, row_bytes], columns independent. */
void cimaging_resample_columns(const uint8_t *source, size_t row_bytes, uint8_t *target, const cimaging_taps *taps,
                               size_t out_height);
