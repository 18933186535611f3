// The running kernel's type information, /sys/kernel/btf/vmlinux (Linux 5.4 and later; Documentation/bpf/btf.rst).
#ifndef PCAPID_BTF_H
#define PCAPID_BTF_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

class Btf {
 public:
  enum Kind : uint32_t { kStruct = 4, kUnion = 5, kTypedef = 8, kFunction = 12 };

  int Open(const char *path = "/sys/kernel/btf/vmlinux");  // 0 or errno

  // Type id of a named type, -1 if there is none.
  int Find(const char *name, Kind kind) const;

  // Byte offset of a member such as "__sk_common.skc_family", -1 if there is none. Members of anonymous structs and
  // unions are found by their own name, as in C.
  int MemberOffset(const char *struct_name, const char *path) const;

 private:
  struct Type;
  const Type *At(uint32_t id) const;
  const char *Name(uint32_t offset) const;
  int FindMember(uint32_t id, const char *name, size_t length, uint32_t *member_type) const;

  std::string data_;
  std::vector<uint32_t> offsets_;  // of each type in data_, by id; id 0 is void
  uint32_t strings_ = 0;           // offset of the strings in data_
};

#endif
