/*
 * store-rows DATABASE FLOWS TICK: writes flows as src/store does, with the same schema, indexes and pragmas, but straight
 * from C: per flow an address, a row with both ends, and the counters of its minute, at most 10,000 rows of these; a
 * transaction per TICK flows; a minute is added to the coarser counters when two later ones have begun.
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
    "reply_bytes, reply_ip_bytes, duplicate_packets, duplicate_bytes, src_process, src_program, src_socket, "          \
    "src_netns, src_source, src_match, src_reason, src_gap_us, src_holders, dst_process, dst_program, dst_socket, "    \
    "dst_netns, dst_source, dst_match, dst_reason, dst_gap_us, dst_holders) VALUES "                                   \
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING"
#define SERVICE "program, reason, remote_address, service_port, protocol"
#define SUMS "flows, tx_packets, tx_bytes, tx_ip_bytes, rx_packets, rx_bytes, rx_ip_bytes"
#define TOTALS                                                                                                         \
    "sum(flows), sum(tx_packets), sum(tx_bytes), sum(tx_ip_bytes), sum(rx_packets), sum(rx_bytes), sum(rx_ip_bytes)"
#define ADD                                                                                                            \
    " ON CONFLICT DO UPDATE SET flows = flows + excluded.flows, tx_packets = tx_packets + excluded.tx_packets, "       \
    "tx_bytes = tx_bytes + excluded.tx_bytes, tx_ip_bytes = tx_ip_bytes + excluded.tx_ip_bytes, "                      \
    "rx_packets = rx_packets + excluded.rx_packets, rx_bytes = rx_bytes + excluded.rx_bytes, "                         \
    "rx_ip_bytes = rx_ip_bytes + excluded.rx_ip_bytes"
#define UPSERT "INSERT INTO traffic_minute VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)" ADD
#define UPDATE                                                                                                         \
    "UPDATE traffic_minute SET flows = flows + ?7, tx_packets = tx_packets + ?8, tx_bytes = tx_bytes + ?9, "           \
    "tx_ip_bytes = tx_ip_bytes + ?10, rx_packets = rx_packets + ?11, rx_bytes = rx_bytes + ?12, "                      \
    "rx_ip_bytes = rx_ip_bytes + ?13 WHERE bucket_us = ?1 AND program = ?2 AND reason = ?3 AND remote_address = ?4 "   \
    "AND service_port = ?5 AND protocol = ?6"
#define CLOSE(level, width)                                                                                            \
    "INSERT INTO traffic_" level " SELECT bucket_us - bucket_us % " width ", " SERVICE ", " SUMS                       \
    " FROM traffic_minute WHERE bucket_us = ?" ADD
#define CLOSE_PROGRAMS(level, width)                                                                                   \
    "INSERT INTO program_" level " SELECT bucket_us - bucket_us % " width ", program, reason, " TOTALS                 \
    " FROM traffic_minute WHERE bucket_us = ? GROUP BY program, reason" ADD
#define MINUTE 60000000LL
#define MOST_ROWS 10000

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
    run("PRAGMA wal_autocheckpoint = 4000");
    run("PRAGMA cache_size = -6000");
    run("PRAGMA foreign_keys = OFF");
    sqlite3_stmt* insert = prepare(INSERT);
    sqlite3_stmt* upsert = prepare(UPSERT);
    sqlite3_stmt* update = prepare(UPDATE);
    sqlite3_stmt* close[] = {prepare(CLOSE("hour", "3600000000")), prepare(CLOSE("day", "86400000000")),
                             prepare(CLOSE_PROGRAMS("minute", "60000000")), prepare(CLOSE_PROGRAMS("hour", "3600000000")),
                             prepare(CLOSE_PROGRAMS("day", "86400000000"))};
    long long minute = 0;
    long rows = 0;
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
        step(insert, (long long[]){i, 1, 1, 6, 1, 32768 + i % 28000, row, 443, 2, 4, first, first + 900, 3, 10, 1500, 1360, 12, 9000, 8800, 0, 0,
                                   process, process, -1, 1, 1, 1, -1, 0, 1, -1, -1, -1, -1, -1, -1, 5, -1, -1}, 39);
        if (first / MINUTE * MINUTE > minute) {
            const long long over = minute - MINUTE;
            for (int k = 0; k < 5 && minute > 0; k++) step(close[k], &over, 1);
            minute = first / MINUTE * MINUTE;
            rows = 0;
        }
        long long sums[] = {minute, process, 0, row, 443, 6, 1, 10, 1500, 1360, 12, 9000, 8800};
        if (rows >= MOST_ROWS) step(update, sums, 13);
        if (rows < MOST_ROWS || sqlite3_changes(db) == 0) {
            if (rows >= MOST_ROWS) sums[3] = sums[4] = 0;
            step(upsert, sums, 13);
            rows++; /* the first 10,000 services of a minute differ, as ours do */
        }
        if (i % tick == 0 || i == flows) run("COMMIT");
    }
    printf("%.3f\n", (double)(clock() - begin) / CLOCKS_PER_SEC);
    return 0;
}
