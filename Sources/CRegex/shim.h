#ifndef CONNECTD_CREGEX_SHIM_H
#define CONNECTD_CREGEX_SHIM_H

// PCRE2 names its functions by code unit width through macros that Swift does not import;
// callers use the `_8` names.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#endif
