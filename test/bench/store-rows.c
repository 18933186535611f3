/*
 * store-rows DATABASE FLOWS TICK: writes flows as src/store does, with the same schema, indexes and pragmas, but straight
 * from C: per flow an address, a row and its two ends; a transaction per TICK flows. Counters by minute are left out.
 * Prints the CPU seconds of the writing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sqlite3.h"

#define INSERT                                                                                                         \
    "INSERT INTO flow (id, capture, netns, protocol, src_address, src_port, dst_address, dst_port, ifindex, "          \
    "packet_type, first_us, last_us, end_reason, orig_packets, orig_bytes, orig_ip_bytes, reply_packets, "             \
    "reply_bytes, reply_ip_bytes, duplicate_packets, duplicate_bytes) VALUES "                                         \
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING"
#define UPDATE(side)                                                                                                   \
    "UPDATE flow SET " side "_process = ?, " side "_program = ?, " side "_socket = ?, " side "_netns = ?, " side       \
    "_source = ?, " side "_match = ?, " side "_reason = ?, " side "_gap_us = ?, " side "_holders = ? WHERE id = ?"

static sqlite3* db;

static void run(const char* sql) {
    char* error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK) return;
    fprintf(stderr, "%s: %s\n", sql, error);
    exit(1);
}

static sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) return statement;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    exit(1);
}

/* Negative: NULL. */
static void step(sqlite3_stmt* statement, const long long* values, int count) {
    for (int i = 0; i < count; i++) {
        if (values[i] < 0) sqlite3_bind_null(statement, i + 1);
        else sqlite3_bind_int64(statement, i + 1, values[i]);
    }
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_reset(statement);
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const long flows = atol(argv[2]), tick = atol(argv[3]);
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) return 1;
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = NORMAL");
    run("PRAGMA cache_size = -16000");
    run("PRAGMA foreign_keys = OFF");
    sqlite3_stmt* insert = prepare(INSERT);
    sqlite3_stmt* src = prepare(UPDATE("src"));
    sqlite3_stmt* dst = prepare(UPDATE("dst"));
    sqlite3_stmt* find = prepare("SELECT id FROM address WHERE bytes = ?");
    sqlite3_stmt* address = prepare("INSERT INTO address (bytes, text) VALUES (?, ?)");
    const clock_t begin = clock();
    for (long i = 1; i <= flows; i++) {
        if (i % tick == 1) run("BEGIN IMMEDIATE");
        const unsigned remote = (unsigned)(i * 7919 % 20000);
        const unsigned char bytes[4] = {11, 0, remote >> 8 & 255, remote & 255};
        char text[16];
        long long row;
        sqlite3_bind_blob(find, 1, bytes, 4, SQLITE_STATIC);
        if (sqlite3_step(find) == SQLITE_ROW) row = sqlite3_column_int64(find, 0);
        else {
            snprintf(text, sizeof text, "11.0.%u.%u", remote >> 8 & 255, remote & 255);
            sqlite3_bind_blob(address, 1, bytes, 4, SQLITE_STATIC);
            sqlite3_bind_text(address, 2, text, -1, SQLITE_STATIC);
            if (sqlite3_step(address) != SQLITE_DONE) return 1;
            row = sqlite3_last_insert_rowid(db);
            sqlite3_reset(address);
        }
        sqlite3_reset(find);
        const long long first = 1795266000000000LL + i * 1000, process = 1 + i % 2000;
        step(insert, (long long[]){i, 1, 1, 6, 1, 32768 + i % 28000, row, 443, 2, 4, first, first + 900, 3, 10, 1500, 1360, 12, 9000, 8800, 0, 0}, 21);
        step(src, (long long[]){process, process, -1, 1, 1, 1, -1, 0, 1, i}, 10);
        step(dst, (long long[]){-1, -1, -1, -1, -1, -1, 5, -1, -1, i}, 10);
        if (i % tick == 0 || i == flows) run("COMMIT");
    }
    printf("%.3f\n", (double)(clock() - begin) / CLOCKS_PER_SEC);
    return 0;
}
