#ifndef CONNECTD_CLINUX_SHIM_H
#define CONNECTD_CLINUX_SHIM_H

// Calls of the kernel and the C library that Swift's Glibc module leaves out.
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

static inline int connectd_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void connectd_eventfd_set(int descriptor) { (void)eventfd_write(descriptor, 1); }
static inline void connectd_eventfd_clear(int descriptor) { eventfd_t value; (void)eventfd_read(descriptor, &value); }

#include <sys/prctl.h>
static inline void connectd_name_this_thread(const char *_Nonnull name) { (void)prctl(PR_SET_NAME, name, 0, 0, 0); }

// A descriptor that a program started meanwhile inherits stays open when its owner closes it, and whoever waits for its end waits for ever.
// Hence they are made close-on-exec in one step, and programs are started with none but those named.
// Declared here without their headers' types, which would then be this module's and no more Glibc's.
extern int accept4(int, void *_Nullable, void *_Nullable, int);
extern int posix_spawn_file_actions_addclosefrom_np(void *_Nonnull, int);
static inline int connectd_accept(int listener, int flags) { return accept4(listener, 0, 0, flags); }
static inline int connectd_spawn_closes_from(void *_Nonnull actions, int first) { return posix_spawn_file_actions_addclosefrom_np(actions, first); }

/// Has the kernel begin to write a range of a file; waits for nothing, and makes nothing durable.
extern int sync_file_range(int, long, long, unsigned int);
static inline void connectd_start_writing(int descriptor, long offset, long count) { (void)sync_file_range(descriptor, offset, count, 2); }

extern char **environ;
static inline char *_Nullable *_Nullable connectd_environment(void) { return environ; }

// CRC-32C by the processor's own instruction, eight bytes a step: about ten times as fast as tables. The caller asks
// connectd_has_crc32c() first; elsewhere the other function must not be called.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The instruction takes three cycles and one can begin in each, so much is checked in three lanes side by side. A checksum is then carried over
// the lane behind it by a table: for each of its four bytes 256 entries, what the byte has become after a lane of zeros.
#define CONNECTD_CRC32C_LANE 1024
static inline uint32_t connectd_crc32c_after(uint32_t crc, const uint32_t *_Nonnull after) {
    return after[crc & 0xFF] ^ after[256 + (crc >> 8 & 0xFF)] ^ after[512 + (crc >> 16 & 0xFF)] ^ after[768 + (crc >> 24)];
}

#if defined(__x86_64__)
#include <cpuid.h>
static inline int connectd_has_crc32c(void) {
    unsigned int a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}
__attribute__((target("sse4.2"))) static inline uint32_t connectd_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;
    uint64_t state = crc, word;
    for (; count >= 8; count -= 8, at += 8) {
        memcpy(&word, at, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    for (; count > 0; count--, at++) state = __builtin_ia32_crc32qi((uint32_t)state, *at);
    return (uint32_t)state;
}
__attribute__((target("sse4.2"))) static inline uint32_t connectd_crc32c_lanes(
    uint32_t crc, const void *_Nonnull bytes, size_t count, const uint32_t *_Nonnull after) {
    const unsigned char *at = (const unsigned char *)bytes;
    const size_t lane = CONNECTD_CRC32C_LANE;
    for (; count >= 3 * lane; count -= 3 * lane, at += 3 * lane) {
        uint64_t first = crc, second = 0, third = 0, word;
        for (size_t i = 0; i < lane; i += 8) {
            memcpy(&word, at + i, 8);
            first = __builtin_ia32_crc32di(first, word);
            memcpy(&word, at + lane + i, 8);
            second = __builtin_ia32_crc32di(second, word);
            memcpy(&word, at + 2 * lane + i, 8);
            third = __builtin_ia32_crc32di(third, word);
        }
        crc = connectd_crc32c_after(connectd_crc32c_after((uint32_t)first, after) ^ (uint32_t)second, after) ^ (uint32_t)third;
    }
    return connectd_crc32c(crc, at, count);
}
#elif defined(__aarch64__)
#include <sys/auxv.h>
#include <asm/hwcap.h>
static inline int connectd_has_crc32c(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
__attribute__((target("crc"))) static inline uint32_t connectd_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;
    uint64_t word;
    for (; count >= 8; count -= 8, at += 8) {
        memcpy(&word, at, 8);
        crc = __builtin_arm_crc32cd(crc, word);
    }
    for (; count > 0; count--, at++) crc = __builtin_arm_crc32cb(crc, *at);
    return crc;
}
__attribute__((target("crc"))) static inline uint32_t connectd_crc32c_lanes(
    uint32_t crc, const void *_Nonnull bytes, size_t count, const uint32_t *_Nonnull after) {
    const unsigned char *at = (const unsigned char *)bytes;
    const size_t lane = CONNECTD_CRC32C_LANE;
    for (; count >= 3 * lane; count -= 3 * lane, at += 3 * lane) {
        uint32_t first = crc, second = 0, third = 0;
        uint64_t word;
        for (size_t i = 0; i < lane; i += 8) {
            memcpy(&word, at + i, 8);
            first = __builtin_arm_crc32cd(first, word);
            memcpy(&word, at + lane + i, 8);
            second = __builtin_arm_crc32cd(second, word);
            memcpy(&word, at + 2 * lane + i, 8);
            third = __builtin_arm_crc32cd(third, word);
        }
        crc = connectd_crc32c_after(connectd_crc32c_after(first, after) ^ second, after) ^ third;
    }
    return connectd_crc32c(crc, at, count);
}
#else
static inline int connectd_has_crc32c(void) { return 0; }
static inline uint32_t connectd_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count) { (void)bytes; (void)count; return crc; }
static inline uint32_t connectd_crc32c_lanes(uint32_t crc, const void *_Nonnull bytes, size_t count, const uint32_t *_Nonnull after) {
    (void)bytes; (void)count; (void)after; return crc;
}
#endif

#endif
