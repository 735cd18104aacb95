#include "CImaging.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

uint32_t cimaging_crc32(const uint8_t *bytes, size_t length) { return (uint32_t)crc32_z(0, bytes, length); }

/* libpng reports through these two; the jump lands in the function that called setjmp, all of it C. */

static void on_error(png_structp png, png_const_charp text) {
    char *message = png_get_error_ptr(png);
    if (message) snprintf(message, CIMAGING_MESSAGE_LENGTH, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

/* -- decoding ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *next;
    size_t left;
    size_t allowed; /* more than this may not be asked for: see allow_the_end */
} source_bytes;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    source_bytes *source = png_get_io_ptr(png);
    if (count > source->left) png_error(png, "the data ends early");
    if (count > source->allowed) png_error(png, "its compressed data goes on after the last row");
    source->allowed -= count;
    memcpy(target, source->next, count);
    source->next += count;
    source->left -= count;
}

/* libpng inflates what is left of the stream after the last row, to find its end: 200 MB from a file of 200 kB, if somebody
   made it so. So towards the last row only as much more may be read as two rows can take, deflated badly. */
static void allow_the_end(source_bytes *source, size_t row_bytes) {
    source->allowed = 65536 + 2 * row_bytes + row_bytes / 4;
}

/* Chunks that say nothing about raw samples. Skipping them also skips the compressed ones (iCCP, iTXt, zTXt), which
   could inflate to anything. tRNS is read by the caller. */
static const png_byte ignored_chunks[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
                                         "sPLT\0sRGB\0tEXt\0tIME\0tRNS\0zTXt";

static void configure_reader(png_structp png, cimaging_png_format format) {
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored_chunks, (int)(sizeof ignored_chunks / 5));
    png_set_user_limits(png, format.width, format.height);
    png_set_chunk_malloc_max(png, 0); /* else an ignored chunk above 8 MB is an error */
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_check_for_invalid_index(png, -1);
}

/* Bytes to samples. Through `scratch`, because both lie in the same row. */
static void widen_row(uint16_t *row, const uint8_t *bytes, uint8_t *scratch, size_t count) {
    memcpy(scratch, bytes, count);
    for (size_t i = 0; i < count; i++) row[i] = scratch[i];
}

int cimaging_png_decode(const uint8_t *bytes, size_t length, cimaging_png_format format, uint16_t *samples,
                        char message[CIMAGING_MESSAGE_LENGTH]) {
    snprintf(message, CIMAGING_MESSAGE_LENGTH, "out of memory");
    const size_t samples_per_row = (size_t)format.width * (size_t)format.channels;
    const int is_wide = format.bit_depth == 16;
    source_bytes source = {bytes, length, SIZE_MAX};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    uint8_t *scratch = malloc(samples_per_row);
    int failed = !info || !scratch;
    /* Nothing assigned after setjmp is read after the jump, so no local needs to be volatile. */
    if (!failed && setjmp(png_jmpbuf(png))) failed = 1;
    if (failed) {
        free(scratch);
        if (png) png_destroy_read_struct(&png, &info, NULL);
        return -1;
    }
    configure_reader(png, format);
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    if (format.bit_depth < 8) png_set_packing(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (is_wide) png_set_swap(png);
#endif
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_image_width(png, info) != format.width || png_get_image_height(png, info) != format.height ||
        png_get_rowbytes(png, info) != samples_per_row * (is_wide ? 2 : 1)) {
        png_error(png, "the header changed while it was read");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < format.height; y++) {
            uint16_t *row = samples + y * samples_per_row;
            /* Interlaced, the last pass may have no row of its own at the very end, or none at all. */
            if (format.height < 3 || (pass == passes - 1 && y == format.height - 2)) {
                allow_the_end(&source, samples_per_row * (is_wide ? 2 : 1));
            }
            /* Narrow rows gather, over the passes, in the far half of the wide row that they will become. */
            uint8_t *narrow = (uint8_t *)row + (is_wide ? 0 : samples_per_row);
            png_read_row(png, narrow, NULL);
            if (!is_wide && pass == passes - 1) widen_row(row, narrow, scratch, samples_per_row);
        }
    }
    free(scratch);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

/* -- encoding ---------------------------------------------------------------------------------------------------- */

typedef struct {
    cimaging_buffer *buffer;
    size_t capacity;
} sink;

static void write_bytes(png_structp png, png_bytep from, size_t count) {
    sink *out = png_get_io_ptr(png);
    cimaging_buffer *buffer = out->buffer;
    if (count > out->capacity - buffer->length) {
        size_t capacity = 2 * out->capacity + count;
        uint8_t *grown = realloc(buffer->bytes, capacity);
        if (!grown) png_error(png, "out of memory");
        buffer->bytes = grown;
        out->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->length, from, count);
    buffer->length += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static int colour_type(int channels) {
    switch (channels) {
        case 1: return PNG_COLOR_TYPE_GRAY;
        case 2: return PNG_COLOR_TYPE_GRAY_ALPHA;
        case 3: return PNG_COLOR_TYPE_RGB;
        default: return PNG_COLOR_TYPE_RGB_ALPHA;
    }
}

int cimaging_png_encode(const void *samples, cimaging_png_format format, cimaging_content content,
                        cimaging_buffer *encoded) {
    *encoded = (cimaging_buffer){NULL, 0};
    sink out = {encoded, 0};
    const int is_wide = format.bit_depth == 16;
    const size_t row_bytes = (size_t)format.width * (size_t)format.channels * (is_wide ? 2 : 1);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int failed = !info;
    if (!failed && setjmp(png_jmpbuf(png))) failed = 1;
    if (failed) {
        cimaging_free(encoded);
        if (png) png_destroy_write_struct(&png, &info);
        return -1;
    }
    png_set_write_fn(png, &out, write_bytes, flush_nothing);
    png_set_IHDR(png, info, format.width, format.height, format.bit_depth, colour_type(format.channels),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (content == CIMAGING_FLAT) {
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
        png_set_compression_level(png, 1);
    } else {
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP);
        png_set_compression_level(png, 3);
    }
    png_write_info(png, info);
    if (format.bit_depth < 8) png_set_packing(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (is_wide) png_set_swap(png);
#endif
    for (uint32_t y = 0; y < format.height; y++) {
        png_write_row(png, (png_const_bytep)samples + y * row_bytes);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return 0;
}

void cimaging_free(cimaging_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (cimaging_buffer){NULL, 0};
}
