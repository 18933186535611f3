// Long-living servers, each of its own kind. None of them returns.
#pragma once
#include "truth.h"

void tcp_single(const struct server *server, int ready);
void tcp_forking(const struct server *server, int ready);
void tcp_forking_kept(const struct server *server, int ready);
void tcp_prefork(const struct server *server, int ready);
void tcp_reuseport(const struct server *server, int ready);
void tcp_activated(const struct server *server, int ready);
void udp_single(const struct server *server, int ready);
void udp_reuseport(const struct server *server, int ready);
int main_of_activated(char **words);
