// Finds libpcap: $PCAPID_LIBPCAP, or the names under which distributions install it without development files.
#include "libpcap.h"

#include <dlfcn.h>
#include <stdlib.h>

namespace {

// Debian and Ubuntu still name it .so.0.8, everybody else .so.1; .so comes with the development package.
constexpr const char *kNames[] = {"libpcap.so.1", "libpcap.so.0.8", "libpcap.so"};

std::string LastError() {
  const char *text = dlerror();
  return text == nullptr ? "unknown error" : text;
}

void *OpenLibrary(std::string *failure) {
  // secure_getenv: where node runs with file capabilities, the environment must not choose code to load.
  if (const char *chosen = secure_getenv("PCAPID_LIBPCAP"); chosen != nullptr && *chosen != '\0') {
    void *library = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) *failure = LastError();
    return library;
  }
  for (const char *name : kNames) {
    if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    if (failure->empty()) *failure = LastError();
  }
  return nullptr;
}

template <typename Function>
void Find(void *library, const char *name, Function *function, std::string *failure) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function == nullptr && failure->empty()) *failure = std::string("libpcap has no function ") + name;
}

Libpcap Load() {
  Libpcap pcap;
  void *library = OpenLibrary(&pcap.failure);  // never closed: other threads may be in it
  if (library == nullptr) return pcap;
  pcap.failure.clear();
#define PCAPID_FIND(result, name, arguments) Find(library, "pcap_" #name, &pcap.name, &pcap.failure);
  PCAPID_LIBPCAP_FUNCTIONS(PCAPID_FIND)
#undef PCAPID_FIND
  return pcap;
}

}  // namespace

const Libpcap &LoadLibpcap() {
  // Never destroyed: worker threads may still close their handles while the process exits.
  static const Libpcap *const pcap = new Libpcap(Load());
  return *pcap;
}
