#ifndef CONNECTD_BENCHMARK_FLOORS_H
#define CONNECTD_BENCHMARK_FLOORS_H

#include <stddef.h>
#include <stdint.h>

// The floors of the benchmarks: the least that plain C does for the same bytes and rows. Each returns the seconds it took
// (opening and closing included), or a negative number when something failed.

/// Appends `batch_bytes` bytes `batches` times to a new file, each time with fdatasync.
double floor_append(const char *path, size_t batch_bytes, int batches);

/// A log of blobs in one SQLite file with the settings of ours (WAL, synchronous=FULL, pages of 32 KiB, checkpoints of 32 MiB).
struct floor_log;
/// NULL when it cannot be made.
struct floor_log *floor_log_open(const char *path);
/// Appends `batches` rows of `batch_bytes`, `batches_per_commit` to a transaction.
double floor_log_append(struct floor_log *log, size_t batch_bytes, int batches, int batches_per_commit);
void floor_log_close(struct floor_log *log);

/// Steps a SELECT over all its rows, copies every column's bytes into a buffer and appends the buffer to a new file with
/// fdatasync after every `rows_per_sync` rows. Stores the number of rows.
double floor_read_and_append(const char *database, const char *select, const char *path, int rows_per_sync, int64_t *rows);

/// A row of the table the sink's floor fills.
struct floor_row {
    int64_t id;
    const char *customer;
    double total;
    const char *note;
    int64_t at;
};

/// Upserts rows (made from their number by `make`) into a table of a new database in WAL mode with synchronous=FULL,
/// `rows_per_commit` to a transaction, by one prepared statement.
double floor_upsert(const char *database, const char *create, const char *upsert, int64_t rows, int rows_per_commit,
                    void (*make)(int64_t number, struct floor_row *row));

/// The rows of the benchmarks: number n, the same in C and in SQL.
void floor_make_row(int64_t number, struct floor_row *row);

/// Reads what a `COPY … TO STDOUT` of a PostgreSQL server sends and appends it to a new file with fdatasync after every
/// `rows_per_sync` rows. Stores the number of rows.
double floor_copy_and_append(const char *url, const char *copy, const char *path, int rows_per_sync, int64_t *rows);

/// Writes rows (made from their number by `make`) into a PostgreSQL table, `rows_per_commit` to a transaction: `stage` makes a
/// temporary table, `copy` takes the rows' lines into it, `upsert` carries them over.
double floor_stage_and_upsert(const char *url, const char *stage, const char *copy, const char *upsert, int64_t rows, int64_t rows_per_commit,
                              void (*make)(int64_t number, struct floor_row *row));

/// Most bytes of one body of the HTTP floors.
#define FLOOR_BODY_LIMIT 512

/// Starts (once) an HTTP server on a thread of its own that answers 200 to every request; its port, or -1.
int floor_http_server(void);
/// What the server has taken so far: requests, and bytes of their bodies.
void floor_http_taken(int64_t *requests, int64_t *bytes);

/// Posts `count` bodies, one a request, by libcurl's multi interface over so many connections.
double floor_http_post(int port, int connections, int64_t count, size_t (*make)(int64_t number, char *body));

/// The bodies of the benchmarks: writes the one of number n, and returns its length.
size_t floor_http_body(int64_t number, char *body);

#endif
