// For O_CLOEXEC, fdatasync and clock_gettime.
#define _GNU_SOURCE
#include "common.h"
#include "floors.h"

#include <fcntl.h>
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// Takes the result of a statement; 0 when it is what was expected.
static int expect(PGresult *result, ExecStatusType expected) {
    int failed = PQresultStatus(result) != expected;
    PQclear(result);
    return failed;
}

static int run(PGconn *server, const char *sql) { return expect(PQexec(server, sql), PGRES_COMMAND_OK); }

double floor_copy_and_append(const char *url, const char *copy, const char *path, int rows_per_sync, int64_t *rows) {
    double began = now();
    size_t capacity = 8u << 20, used = 0;
    char *buffer = malloc(capacity), *piece = NULL;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), failed = 1, length;
    int64_t pieces = 0;
    PGconn *server = PQconnectdb(url);
    if (!buffer || file < 0 || PQstatus(server) != CONNECTION_OK) goto end;
    if (expect(PQexec(server, copy), PGRES_COPY_OUT)) goto end;
    while ((length = PQgetCopyData(server, &piece, 0)) > 0) {
        if (used + (size_t)length > capacity) goto end;
        memcpy(buffer + used, piece, (size_t)length);
        used += (size_t)length;
        PQfreemem(piece);
        piece = NULL;
        if (++pieces % rows_per_sync == 0) {
            if (write_all(file, buffer, used) != 0) goto end;
            used = 0;
        }
    }
    failed = length != -1 || expect(PQgetResult(server), PGRES_COMMAND_OK) || (used > 0 && write_all(file, buffer, used) != 0);
end:
    PQfreemem(piece);
    PQfinish(server);
    if (file >= 0) close(file);
    free(buffer);
    // The last piece is the trailer of the binary form.
    *rows = pieces - 1;
    return failed ? -1 : now() - began;
}

/// Most bytes of a row's line.
#define LINE_LIMIT 512

double floor_stage_and_upsert(const char *url, const char *stage, const char *copy, const char *upsert, int64_t rows, int64_t rows_per_commit,
                              void (*make)(int64_t number, struct floor_row *row)) {
    double began = now();
    size_t capacity = 64u << 10, used = 0;
    char *buffer = malloc(capacity);
    int failed = 1;
    PGconn *server = PQconnectdb(url);
    if (!buffer || rows_per_commit < 1 || PQstatus(server) != CONNECTION_OK) goto end;
    PQclear(PQexec(server, "SET client_min_messages = warning"));
    for (int64_t number = 1; number <= rows;) {
        int64_t last = number + rows_per_commit - 1 < rows ? number + rows_per_commit - 1 : rows;
        if (run(server, "BEGIN") || run(server, stage) || expect(PQexec(server, copy), PGRES_COPY_IN)) goto end;
        for (; number <= last; number++) {
            struct floor_row row;
            make(number, &row);
            used += (size_t)snprintf(buffer + used, LINE_LIMIT, "%lld\t%s\t%.17g\t%s\t%lld\n", (long long)row.id, row.customer, row.total, row.note, (long long)row.at);
            if (used + LINE_LIMIT < capacity && number < last) continue;
            if (PQputCopyData(server, buffer, (int)used) != 1) goto end;
            used = 0;
        }
        if (PQputCopyEnd(server, NULL) != 1 || expect(PQgetResult(server), PGRES_COMMAND_OK)) goto end;
        PQclear(PQgetResult(server));
        if (run(server, upsert) || run(server, "COMMIT")) goto end;
    }
    failed = 0;
end:
    PQfinish(server);
    free(buffer);
    return failed ? -1 : now() - began;
}
