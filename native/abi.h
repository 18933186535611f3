// What JavaScript and this addon must agree on. src/native/binding.ts refuses an addon with another kAbiVersion, so
// raise it whenever a function changes its arguments, its results or the meaning of either.
#ifndef PCAPID_ABI_H
#define PCAPID_ABI_H

#include <cstdint>

constexpr int32_t kAbiVersion = 4;

// Results of pcapRead below zero.
enum ReadStatus : int32_t {
  kInterfaceGone = -1,  // unregistered: a veth pair deleted, a USB adapter pulled
  kInterfaceDown = -2,
  kReadFailed = -3,  // pcapError has the text
};

// Order of the doubles that clocks() fills: microseconds.
enum Clock : size_t { kRealtime, kBoottime, kMonotonic, kClocks };

// Order of the doubles that capabilities() fills. 41 capabilities exist, a double holds 53 bits.
enum CapabilitySet : size_t { kEffective, kPermitted, kBounding, kCapabilitySets };

// Order of the descriptors that bpfOpen() fills.
enum BpfDescriptor : size_t { kSocketRing, kProcessRing, kSnapshotProgram, kLostMap, kBpfDescriptors };

// Order of the doubles that pcapStats() fills: packets since the handle was opened.
enum Counter : size_t { kReceived, kKernelDrops, kInterfaceDrops, kCounters };

#endif
