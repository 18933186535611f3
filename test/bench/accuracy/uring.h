// io_uring_enter(2) without liburing: one request at a time, submitted and waited for.
#pragma once
#include <stdint.h>
#include <sys/types.h>

struct ring {
  int fd;
  uint32_t *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
};

struct ring open_ring(void);
ssize_t ring_send(struct ring *ring, int fd, const void *bytes, uint32_t octets);
ssize_t ring_receive(struct ring *ring, int fd, void *bytes, uint32_t octets);
