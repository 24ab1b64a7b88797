#ifndef CONNECTD_CCOMPRESSION_SHIM_H
#define CONNECTD_CCOMPRESSION_SHIM_H

#include <zlib.h>

// A macro that Swift does not import: deflate in gzip's frame.
static inline int connectd_gzip_begin(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
