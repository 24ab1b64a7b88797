// For O_CLOEXEC, fdatasync and clock_gettime.
#define _GNU_SOURCE
#include "common.h"
#include "floors.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int new_file(const char *path) { return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); }

double floor_append(const char *path, size_t batch_bytes, int batches) {
    char *batch = malloc(batch_bytes);
    if (!batch) return -1;
    for (size_t i = 0; i < batch_bytes; i++) batch[i] = (char)(i * 31);
    double began = now();
    int file = new_file(path);
    int failed = file < 0;
    for (int i = 0; i < batches && !failed; i++) {
        memcpy(batch, &i, sizeof i);
        failed = write_all(file, batch, batch_bytes) != 0;
    }
    if (file >= 0) close(file);
    double seconds = now() - began;
    free(batch);
    return failed ? -1 : seconds;
}

double floor_read_and_append(const char *path_of_database, const char *select, const char *path, int rows_per_sync, int64_t *rows) {
    double began = now();
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    size_t capacity = 8u << 20, used = 0;
    char *buffer = malloc(capacity);
    int file = new_file(path), failed = 1;
    int64_t count = 0;
    if (!buffer || file < 0) goto end;
    if (sqlite3_open_v2(path_of_database, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) goto end;
    if (sqlite3_prepare_v2(database, select, -1, &statement, NULL) != SQLITE_OK) goto end;
    int columns = sqlite3_column_count(statement), result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int column = 0; column < columns; column++) {
            int type = sqlite3_column_type(statement, column);
            int64_t integer;
            double real;
            const void *bytes = NULL;
            int bytes_count = 0;
            switch (type) {
            case SQLITE_INTEGER:
                integer = sqlite3_column_int64(statement, column);
                bytes = &integer;
                bytes_count = sizeof integer;
                break;
            case SQLITE_FLOAT:
                real = sqlite3_column_double(statement, column);
                bytes = &real;
                bytes_count = sizeof real;
                break;
            case SQLITE_TEXT:
            case SQLITE_BLOB:
                bytes = sqlite3_column_blob(statement, column);
                bytes_count = sqlite3_column_bytes(statement, column);
                break;
            }
            if (used + (size_t)bytes_count + 5 > capacity) goto end;
            buffer[used++] = (char)type;
            memcpy(buffer + used, &bytes_count, 4);
            used += 4;
            if (bytes_count > 0) memcpy(buffer + used, bytes, (size_t)bytes_count);
            used += (size_t)bytes_count;
        }
        if (++count % rows_per_sync == 0) {
            if (write_all(file, buffer, used) != 0) goto end;
            used = 0;
        }
    }
    failed = result != SQLITE_DONE || (used > 0 && write_all(file, buffer, used) != 0);
end:
    sqlite3_finalize(statement);
    sqlite3_close(database);
    if (file >= 0) close(file);
    free(buffer);
    *rows = count;
    return failed ? -1 : now() - began;
}

void floor_make_row(int64_t number, struct floor_row *row) {
    static _Thread_local char customer[32], note[96];
    snprintf(customer, sizeof customer, "customer-%d", (int)(number % 1000));
    snprintf(note, sizeof note, "order %lld of the day, to be delivered by bicycle \"before noon\"", (long long)number);
    row->id = number;
    row->customer = customer;
    row->total = (double)(number % 100000) / 100;
    row->note = note;
    row->at = 1700000000000 + number;
}

double floor_upsert(const char *path, const char *create, const char *upsert, int64_t rows, int rows_per_commit,
                    void (*make)(int64_t number, struct floor_row *row)) {
    double began = now();
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int failed = 1;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) goto end;
    if (sqlite3_exec(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK) goto end;
    if (sqlite3_exec(database, create, NULL, NULL, NULL) != SQLITE_OK) goto end;
    if (sqlite3_prepare_v3(database, upsert, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) goto end;
    for (int64_t number = 1; number <= rows; number++) {
        if (number % rows_per_commit == 1 && sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) goto end;
        struct floor_row row;
        make(number, &row);
        sqlite3_bind_int64(statement, 1, row.id);
        sqlite3_bind_text(statement, 2, row.customer, -1, SQLITE_STATIC);
        sqlite3_bind_double(statement, 3, row.total);
        sqlite3_bind_text(statement, 4, row.note, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 5, row.at);
        if (sqlite3_step(statement) != SQLITE_DONE) goto end;
        sqlite3_reset(statement);
        if ((number % rows_per_commit == 0 || number == rows) && sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) goto end;
    }
    failed = 0;
end:
    sqlite3_finalize(statement);
    if (sqlite3_close(database) != SQLITE_OK) failed = 1;
    return failed ? -1 : now() - began;
}
