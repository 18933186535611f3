// Where the running kernel has what the BPF programs read.
#ifndef PCAPID_BPF_LAYOUT_TABLE_H
#define PCAPID_BPF_LAYOUT_TABLE_H

#include <string>

#include "bpf/layout.h"
#include "btf.h"

// Returns "", or which member the kernel does not have.
std::string FillLayout(const Btf &btf, kernel_layout *layout);

#endif
