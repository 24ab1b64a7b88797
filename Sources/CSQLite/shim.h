#ifndef CONNECTD_CSQLITE_SHIM_H
#define CONNECTD_CSQLITE_SHIM_H

#include <sqlite3.h>

/// `SQLITE_TRANSIENT` is a cast that Swift does not import.
static inline sqlite3_destructor_type connectd_sqlite_transient(void) { return SQLITE_TRANSIENT; }

/// `sqlite3_db_config` has variable arguments; this is its form for on/off settings.
static inline int connectd_sqlite_db_config_flag(sqlite3 *database, int option, int on, int *now) {
    return sqlite3_db_config(database, option, on, now);
}

/// `sqlite3_config` has variable arguments; this is its form without any.
static inline int connectd_sqlite_config(int option) { return sqlite3_config(option); }

#endif
