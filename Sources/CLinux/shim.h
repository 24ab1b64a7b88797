#ifndef CONNECTD_CLINUX_SHIM_H
#define CONNECTD_CLINUX_SHIM_H

// Calls of the kernel that Swift's Glibc module leaves out.
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

static inline int connectd_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void connectd_eventfd_set(int descriptor) { (void)eventfd_write(descriptor, 1); }
static inline void connectd_eventfd_clear(int descriptor) { eventfd_t value; (void)eventfd_read(descriptor, &value); }

extern char **environ;
static inline char *_Nullable *_Nullable connectd_environment(void) { return environ; }

#endif
