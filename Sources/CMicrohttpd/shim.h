#ifndef CONNECTD_CMICROHTTPD_SHIM_H
#define CONNECTD_CMICROHTTPD_SHIM_H

#include <microhttpd.h>

#endif
