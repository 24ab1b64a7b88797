#ifndef CONNECTD_CLINUX_SHIM_H
#define CONNECTD_CLINUX_SHIM_H

// Calls of the kernel and the C library that Swift's Glibc module leaves out.
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

static inline int connectd_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void connectd_eventfd_set(int descriptor) { (void)eventfd_write(descriptor, 1); }
static inline void connectd_eventfd_clear(int descriptor) { eventfd_t value; (void)eventfd_read(descriptor, &value); }

// Only shown by <pthread.h> under _GNU_SOURCE, and that header belongs to Swift's Glibc module; glibc's pthread_t is this type.
extern int pthread_setname_np(unsigned long thread, const char *name);
static inline void connectd_name_thread(unsigned long thread, const char *_Nonnull name) { (void)pthread_setname_np(thread, name); }

extern char **environ;
static inline char *_Nullable *_Nullable connectd_environment(void) { return environ; }

#endif
