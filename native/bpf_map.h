// Maps of the BPF programs.
#ifndef PCAPID_BPF_MAP_H
#define PCAPID_BPF_MAP_H

#include <cstdint>

#include "bpf_abi.h"

struct BpfMapShape {
  BpfMapType type;
  uint32_t key_bytes, value_bytes;
  uint32_t entries;  // of a ring: octets
};

// Returns a descriptor or -errno.
int CreateBpfMap(const char *name, const BpfMapShape &shape);

// An array of one value that neither programs nor anybody else can change: constants to the verifier.
int CreateBpfConstants(const char *name, const void *value, uint32_t bytes);

#endif
