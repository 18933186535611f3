// The scenarios of clients.c and held.c; each makes one socket (or one more use of it) and logs its ends.
#pragma once
#include "truth.h"

void tcp_client(const struct scenario *s);
void tcp_fork(const struct scenario *s);
void through_exec(const struct scenario *s);
void tcp_of_parent(const struct scenario *s);
void tcp_connected_by_parent(const struct scenario *s);
void tcp_passed(const struct scenario *s);
void tcp_passed_later(const struct scenario *s);
void port_again(const struct scenario *s);
void tcp_io_uring(const struct scenario *s);
void tcp_sendfile(const struct scenario *s);
void udp_one(const struct scenario *s);
void udp_answered(const struct scenario *s);
void udp_fork(const struct scenario *s);
void udp_of_parent(const struct scenario *s);
void lifetime(const struct scenario *s);
void lifetime_long(const struct scenario *s);
void controls(const struct scenario *s);
void old_connections(const struct scenario *s, int opened, int go);

int open_connected(const struct scenario *s);
void ask(int fd, struct end *end, uint32_t octets, uint32_t answer);
int main_of_exec_client(char **words);
