#ifndef CONNECTD_CMICROHTTPD_SHIM_H
#define CONNECTD_CMICROHTTPD_SHIM_H

#include <microhttpd.h>
#include <netdb.h>
#include <stddef.h>

// MHD_start_daemon takes variable arguments, which Swift does not import: one typed call with the options this project uses.
//
// The listening socket is the caller's, so that a port in use is told apart from everything else. Requests must be well formed
// (strict), names in a path stay percent-encoded (the caller's unescape callback), the raw target comes through the log callback.
static inline struct MHD_Daemon *connectd_mhd_start(
    int listening_socket, unsigned int connection_limit, unsigned int idle_seconds, size_t connection_memory,
    MHD_AccessHandlerCallback handle, void *context, void *(*target)(void *, const char *, struct MHD_Connection *),
    MHD_RequestCompletedCallback completed, size_t (*unescape)(void *, struct MHD_Connection *, char *)) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, context,
      MHD_OPTION_LISTEN_SOCKET, listening_socket, MHD_OPTION_CONNECTION_LIMIT, connection_limit, MHD_OPTION_CONNECTION_TIMEOUT,
      idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory, MHD_OPTION_STRICT_FOR_CLIENT, (int)1,
      MHD_OPTION_URI_LOG_CALLBACK, target, context, MHD_OPTION_NOTIFY_COMPLETED, completed, context,
      MHD_OPTION_UNESCAPE_CALLBACK, unescape, context, MHD_OPTION_END);
}

static inline struct MHD_Response *connectd_mhd_response(const void *bytes, size_t count) {
  return MHD_create_response_from_buffer(count, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
}

#endif
