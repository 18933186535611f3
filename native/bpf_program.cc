#include "bpf_program.h"

#include <algorithm>
#include <cstdlib>

#include "bpf/layout.h"
#include "netns.h"

namespace {

#include "bpf/socket_owner.bpf.h"

static_assert(kBpfLayoutBytes == sizeof(kernel_layout), "npm run build:bpf");

constexpr size_t kLogBytes = 1 << 20, kLogTail = 4000;
constexpr int32_t kOptional[] = {kGetCurrentTask, kProbeReadKernel, kGetNetnsCookie};

std::vector<BpfInstruction> CodeOf(const char *name, const BpfReferences &references) {
  std::vector<BpfInstruction> code;
  for (const BpfSection &section : kBpfSections) {
    if (strcmp(section.name, name) != 0) continue;
    code.resize(section.count);
    memcpy(code.data(), section.code, section.count * sizeof code[0]);
  }
  for (size_t i = 0; i < code.size(); i++) {
    if (code[i].code != kLoadCode) continue;
    const int source = code[i].registers >> 4;
    if (source == kPseudoMapFd) code[i].immediate = references.maps[static_cast<size_t>(code[i].immediate)];
    if (source == kPseudoMapValue) code[i].immediate = references.layout;
    i++;  // its second half is no instruction
  }
  return code;
}

bool Drop(std::vector<BpfInstruction> *code, int32_t helper) {
  bool found = false;
  for (BpfInstruction &instruction : *code) {
    if (instruction.code != kCallCode || instruction.registers != 0 || instruction.immediate != helper) continue;
    instruction = {kSetCode, 0, 0, 0};  // r0 = 0
    found = true;
  }
  return found;
}

// The verifier names what it refuses: "program of this type cannot use helper bpf_get_current_comm#16", before Linux
// 6.10 "unknown func bpf_get_current_comm#16". -1: it refused something else.
int32_t RefusedHelper(const std::string &log) {
  for (const char *reason : {"cannot use helper ", "unknown func ", "invalid func "}) {
    const size_t at = log.rfind(reason);
    const size_t number = at == std::string::npos ? at : log.find('#', at);
    if (number != std::string::npos) return atoi(log.c_str() + number + 1);
  }
  return -1;
}

std::string TailOf(const std::string &log) {
  // The verifier ends with statistics; what it says of the instruction stands before.
  const size_t statistics = log.rfind("processed ");
  const std::string text = log.substr(0, statistics);
  return text.size() > kLogTail ? text.substr(text.size() - kLogTail) : text;
}

}  // namespace

const char *const *BpfMapNames(size_t *count) {
  *count = std::size(kBpfMaps);
  return kBpfMaps;
}

BpfProgram::~BpfProgram() {
  if (link_ >= 0) close(link_);
  if (fd_ >= 0) close(fd_);
}

void BpfProgram::Fail(const char *step, int error, const std::string &log) {
  step_ = step;
  error_ = error;
  log_ = log;
}

bool BpfProgram::Load(const BpfReferences &references, int target_id, int32_t dropped) {
  std::vector<BpfInstruction> code = CodeOf(spec_.section, references);
  std::string without;
  const auto drop = [&](int32_t helper) {
    if (!Drop(&code, helper)) return false;
    without += (without.empty() ? "without helper " : ", ") + std::to_string(helper);
    return true;
  };
  drop(dropped);
  for (;;) {
    BpfAttributes attributes;
    attributes.program.type = spec_.type;
    attributes.program.expected_attach_type = spec_.attach_type;
    attributes.program.attach_btf_id = static_cast<uint32_t>(target_id);
    attributes.program.instructions = AddressOf(code.data());
    attributes.program.count = static_cast<uint32_t>(code.size());
    attributes.program.license = AddressOf("Dual MIT/GPL");  // tracing programs must be compatible with the GPL
    strncpy(attributes.program.name, spec_.name, sizeof attributes.program.name - 1);
    fd_ = Bpf(kProgLoad, &attributes);
    std::string log;
    if (fd_ < 0) {  // once more for the reasons, or after EAGAIN
      log.resize(kLogBytes);
      attributes.program.log = AddressOf(log.data());
      attributes.program.log_size = kLogBytes;
      attributes.program.log_level = 1;
      fd_ = Bpf(kProgLoad, &attributes);
      log.resize(strnlen(log.data(), log.size()));
    }
    if (fd_ >= 0) {
      log_ = without;
      return true;
    }
    const int32_t refused = RefusedHelper(log);
    const bool optional = std::find(std::begin(kOptional), std::end(kOptional), refused) != std::end(kOptional);
    if (optional && drop(refused)) continue;
    Fail("load", -fd_, TailOf(log));
    fd_ = -1;
    return false;
  }
}

bool BpfProgram::Attach(int result) {
  if (result < 0) Fail("attach", -result);
  else link_ = result;
  return result >= 0;
}

bool BpfProgram::AttachToCgroup(int cgroup) {
  BpfAttributes attributes;
  attributes.link = {static_cast<uint32_t>(fd_), static_cast<uint32_t>(cgroup), spec_.attach_type, 0, 0, 0};
  return Attach(Bpf(kLinkCreate, &attributes));
}

bool BpfProgram::AttachToTracepoint() {
  BpfAttributes attributes;
  attributes.tracepoint.program_fd = static_cast<uint32_t>(fd_);
  return Attach(Bpf(kRawTracepointOpen, &attributes));
}

int RunBpfIterator(int program, uint32_t pid, uint8_t *into, size_t size) {
  const uint32_t only[3] = {0, pid, 0};  // union bpf_iter_link_info: thread, process, pidfd
  BpfAttributes attributes;
  attributes.link.program_fd = static_cast<uint32_t>(program);
  attributes.link.attach_type = kTraceIter;
  if (pid != 0) {
    attributes.link.iterator = AddressOf(only);
    attributes.link.iterator_size = sizeof only;
  }
  const Descriptor link(Bpf(kLinkCreate, &attributes));
  if (link.get() < 0) return link.get();
  BpfAttributes create;
  create.iterator.link_fd = static_cast<uint32_t>(link.get());
  const Descriptor iterator(Bpf(kIterCreate, &create));
  if (iterator.get() < 0) return iterator.get();

  for (size_t filled = 0;;) {
    uint8_t one;
    const bool full = filled == size;  // then only the end may follow
    const ssize_t got = read(iterator.get(), full ? &one : into + filled, full ? 1 : size - filled);
    if (got == 0) return static_cast<int>(filled);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return -errno;
    if (got > 0 && full) return -ENOBUFS;
    if (got > 0) filled += static_cast<size_t>(got);
  }
}
