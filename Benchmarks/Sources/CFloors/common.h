// What the floors share. Include it first, under _GNU_SOURCE: fdatasync and clock_gettime need that.
#pragma once

#include <stddef.h>
#include <time.h>
#include <unistd.h>

/// Seconds of the monotonic clock.
static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/// Writes all bytes and waits until the disk has them; 0 when it does.
static inline int write_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written <= 0) return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return fdatasync(file);
}
