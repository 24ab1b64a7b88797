#ifndef CONNECTD_CPOSTGRES_SHIM_H
#define CONNECTD_CPOSTGRES_SHIM_H

#include <libpq-fe.h>

// The codes of PQresultErrorField are characters in macros, which Swift imports as Int32 of another width on some compilers.
static inline const char *connectd_pq_field(const PGresult *result, char code) { return PQresultErrorField(result, code); }

#endif
