#include "uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "truth.h"

static char *map(int fd, size_t octets, off_t what) {
  char *at = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
  if (at == MAP_FAILED) die("io_uring");
  return at;
}

struct ring open_ring(void) {
  struct io_uring_params p = {0};
  struct ring ring = {.fd = (int)syscall(SYS_io_uring_setup, 8, &p)};
  if (ring.fd < 0) die("io_uring_setup");
  char *sq = map(ring.fd, p.sq_off.array + p.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
  char *cq = map(ring.fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
  ring.sqes = (struct io_uring_sqe *)map(ring.fd, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
  ring.sq_tail = (uint32_t *)(sq + p.sq_off.tail);
  ring.sq_mask = (uint32_t *)(sq + p.sq_off.ring_mask);
  ring.sq_array = (uint32_t *)(sq + p.sq_off.array);
  ring.cq_head = (uint32_t *)(cq + p.cq_off.head);
  ring.cq_tail = (uint32_t *)(cq + p.cq_off.tail);
  ring.cq_mask = (uint32_t *)(cq + p.cq_off.ring_mask);
  ring.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
  return ring;
}

static ssize_t run(struct ring *ring, uint8_t code, int fd, const void *bytes, uint32_t octets) {
  uint32_t tail = *ring->sq_tail, at = tail & *ring->sq_mask;
  struct io_uring_sqe request = {.opcode = code, .fd = fd, .addr = (uintptr_t)bytes, .len = octets};
  ring->sqes[at] = request;
  ring->sq_array[at] = at;
  __atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
  while (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
    if (errno != EINTR) die("io_uring_enter");
  uint32_t head = *ring->cq_head;
  if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) die("io_uring: no completion");
  ssize_t result = ring->cqes[head & *ring->cq_mask].res;
  __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
  if (result <= 0) die("io_uring: a request failed");
  return result;
}

ssize_t ring_send(struct ring *ring, int fd, const void *bytes, uint32_t octets) {
  return run(ring, IORING_OP_SEND, fd, bytes, octets);
}

ssize_t ring_receive(struct ring *ring, int fd, void *bytes, uint32_t octets) {
  return run(ring, IORING_OP_RECV, fd, bytes, octets);
}
