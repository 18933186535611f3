#include "btf.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "netns.h"

namespace {

struct BtfHeader {
  uint16_t magic;
  uint8_t version, flags;
  uint32_t header_size, types_offset, types_size, strings_offset, strings_size;
};

struct BtfMember {
  uint32_t name, type, offset;  // offset in bits; its high byte is a bit field's size
};

constexpr size_t kMostBytes = 64 << 20;  // a kernel has 5 to 10 MB

// Bytes that follow a type's common part; -1 for a kind this reader does not know.
int ExtraSize(uint32_t kind, uint32_t count) {
  switch (kind) {
    case 1: case 14: case 17: return 4;                // int, variable, declaration tag
    case 2: case 7: case 8: case 9: case 10: case 11:  // pointer, forward, typedef, volatile, const, restrict
    case 12: case 16: case 18: return 0;               // function, float, type tag
    case 3: return 12;                                 // array
    case 4: case 5: case 15: case 19: return 12 * count;  // struct, union, section, 64-bit enum
    case 6: case 13: return 8 * count;                    // enum, function prototype
    default: return -1;
  }
}

int ReadWhole(const char *path, std::string *data) {
  const Descriptor fd(open(path, O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return errno;
  char part[1 << 16];
  for (ssize_t got; (got = read(fd.get(), part, sizeof part)) != 0;) {
    if (got < 0) return errno;
    data->append(part, static_cast<size_t>(got));
    if (data->size() > kMostBytes) return EFBIG;
  }
  return 0;
}

}  // namespace

struct Btf::Type {
  uint32_t name, info, size_or_type;
  uint32_t kind() const { return info >> 24 & 31; }
  uint32_t count() const { return info & 0xffff; }
  bool has_bit_fields() const { return info >> 31; }
};

const Btf::Type *Btf::At(uint32_t id) const {
  return id < offsets_.size() ? reinterpret_cast<const Type *>(data_.data() + offsets_[id]) : nullptr;
}

const char *Btf::Name(uint32_t offset) const {
  return offset < data_.size() - strings_ ? data_.data() + strings_ + offset : "";
}

int Btf::Open(const char *path) {
  if (const int failed = ReadWhole(path, &data_)) return failed;
  BtfHeader header;
  if (data_.size() < sizeof header) return EINVAL;
  memcpy(&header, data_.data(), sizeof header);
  uint64_t position = uint64_t{header.header_size} + header.types_offset;
  const uint64_t end = position + header.types_size;
  const uint64_t strings = uint64_t{header.header_size} + header.strings_offset;
  if (header.magic != 0xeb9f || position % 4 != 0 || end > data_.size() || header.strings_size == 0 ||
      strings + header.strings_size != data_.size() || data_.back() != '\0')
    return EINVAL;
  strings_ = static_cast<uint32_t>(strings);

  offsets_.assign(1, static_cast<uint32_t>(position));  // void is never looked at
  while (position + sizeof(Type) <= end) {
    const Type *type = reinterpret_cast<const Type *>(data_.data() + position);
    const int extra = ExtraSize(type->kind(), type->count());
    if (extra < 0) return ENOTSUP;
    offsets_.push_back(static_cast<uint32_t>(position));
    position += sizeof(Type) + static_cast<uint32_t>(extra);
  }
  return position == end ? 0 : EINVAL;
}

int Btf::Find(const char *name, Kind kind) const {
  for (uint32_t id = 1; id < offsets_.size(); id++)
    if (At(id)->kind() == kind && strcmp(Name(At(id)->name), name) == 0) return static_cast<int>(id);
  return -1;
}

int Btf::FindMember(uint32_t id, const char *name, size_t length, uint32_t *member_type) const {
  const Type *type = At(id);
  while (type != nullptr && type->kind() >= 8 && type->kind() <= 11) type = At(type->size_or_type);  // typedef, const
  if (type == nullptr || (type->kind() != kStruct && type->kind() != kUnion)) return -1;
  const BtfMember *members = reinterpret_cast<const BtfMember *>(type + 1);
  for (uint32_t i = 0; i < type->count(); i++) {
    const BtfMember &member = members[i];
    const int offset = static_cast<int>((type->has_bit_fields() ? member.offset & 0xffffff : member.offset) / 8);
    const char *text = Name(member.name);
    if (*text == '\0') {
      const int inner = FindMember(member.type, name, length, member_type);
      if (inner >= 0) return offset + inner;
    } else if (strncmp(text, name, length) == 0 && text[length] == '\0') {
      *member_type = member.type;
      return offset;
    }
  }
  return -1;
}

int Btf::MemberOffset(const char *struct_name, const char *path) const {
  const int found = Find(struct_name, kStruct);
  if (found < 0) return -1;
  uint32_t id = static_cast<uint32_t>(found);
  int offset = 0;
  for (;;) {
    const size_t length = strcspn(path, ".");
    const int step = FindMember(id, path, length, &id);
    if (step < 0) return -1;
    offset += step;
    if (path[length] == '\0') return offset;
    path += length + 1;
  }
}
