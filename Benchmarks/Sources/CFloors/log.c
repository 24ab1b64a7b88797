// What SQLite itself takes for the same commits as the log's: the least that any log in one SQLite file can take.
#define _GNU_SOURCE
#include "common.h"
#include "floors.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct floor_log {
    sqlite3 *database;
    sqlite3_stmt *insert, *state, *begin, *commit;
    int64_t rows;
    size_t since_checkpoint;
};

static const size_t page_bytes = 32768, checkpoint_bytes = 32u << 20;

struct floor_log *floor_log_open(const char *path) {
    struct floor_log *log = calloc(1, sizeof *log);
    if (!log) return NULL;
    if (sqlite3_open_v2(path, &log->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK
        && sqlite3_exec(log->database,
               "PRAGMA page_size=32768; PRAGMA journal_mode=WAL; PRAGMA locking_mode=EXCLUSIVE; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL;"
               "PRAGMA cache_size=-4096; CREATE TABLE batches(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, bytes BLOB NOT NULL);"
               "CREATE TABLE state(id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
               NULL, NULL, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(log->database, "INSERT INTO batches VALUES(?1, ?2, ?3)", -1, &log->insert, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(log->database, "INSERT OR REPLACE INTO state VALUES(1, ?1)", -1, &log->state, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(log->database, "BEGIN IMMEDIATE", -1, &log->begin, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(log->database, "COMMIT", -1, &log->commit, NULL) == SQLITE_OK)
        return log;
    floor_log_close(log);
    return NULL;
}

static int run(sqlite3_stmt *statement) {
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? 0 : -1;
}

double floor_log_append(struct floor_log *log, size_t batch_bytes, int batches, int batches_per_commit) {
    char *batch = malloc(batch_bytes);
    if (!batch) return -1;
    for (size_t i = 0; i < batch_bytes; i++) batch[i] = (char)(i * 31);
    double began = now();
    int failed = 0;
    for (int i = 0; i < batches && !failed; i++) {
        if (i % batches_per_commit == 0) failed |= run(log->begin);
        log->rows++;
        memcpy(batch, &log->rows, sizeof log->rows);
        sqlite3_bind_int64(log->insert, 1, log->rows);
        sqlite3_bind_int64(log->insert, 2, log->rows);
        sqlite3_bind_blob(log->insert, 3, batch, (int)batch_bytes, SQLITE_STATIC);
        failed |= run(log->insert);
        log->since_checkpoint += batch_bytes;
        if ((i + 1) % batches_per_commit != 0 && i + 1 != batches) continue;
        sqlite3_bind_int64(log->state, 1, log->rows);
        failed |= run(log->state);
        failed |= run(log->commit);
        log->since_checkpoint += 4 * page_bytes;
        if (log->since_checkpoint > checkpoint_bytes) {
            failed |= sqlite3_wal_checkpoint_v2(log->database, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL) != SQLITE_OK;
            log->since_checkpoint = 0;
        }
    }
    sqlite3_clear_bindings(log->insert);
    free(batch);
    return failed ? -1 : now() - began;
}

void floor_log_close(struct floor_log *log) {
    if (!log) return;
    sqlite3_finalize(log->insert);
    sqlite3_finalize(log->state);
    sqlite3_finalize(log->begin);
    sqlite3_finalize(log->commit);
    sqlite3_close(log->database);
    free(log);
}
