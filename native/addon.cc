// The module itself: names and functions. May be loaded by any number of threads; there is no state between calls but
// the table of libpcap's functions, which is written once.
#include "addon.h"

#include "abi.h"

namespace {

struct Export {
  const char *name;
  napi_callback function;
};

constexpr Export kExports[] = {
    {"pcapOpen", PcapOpen},
    {"pcapInfo", PcapInfo},
    {"pcapRead", PcapRead},
    {"pcapError", PcapError},
    {"pcapStats", PcapStats},
    {"pcapClose", PcapClose},
    {"pcapVersion", PcapVersion},
    {"walkPcap", WalkPcap},
    {"decodePlain", DecodePlain},
    {"countFlows", CountFlows},
    {"poll", Poll},
    {"wakeCreate", WakeCreate},
    {"wake", Wake},
    {"wakeClear", WakeClear},
    {"closeFd", CloseFd},
    {"netlinkOpen", NetlinkOpen},
    {"netlinkSend", NetlinkSend},
    {"netlinkReceive", NetlinkReceive},
    {"netlinkRequest", NetlinkRequest},
    {"bpfOpen", BpfOpen},
    {"bpfPrograms", BpfPrograms},
    {"bpfClose", BpfClose},
    {"bpfRingOpen", BpfRingOpen},
    {"bpfRingRead", BpfRingRead},
    {"bpfRingClose", BpfRingClose},
    {"bpfSnapshot", BpfSnapshot},
    {"bpfLost", BpfLost},
    {"cgroupMount", CgroupMount},
    {"netnsCookie", NetnsCookie},
    {"capabilities", Capabilities},
    {"execReduced", ExecReduced},
    {"clocks", Clocks},
    {"sdNotify", SdNotify},
};

}  // namespace

NAPI_MODULE_INIT() {
  napi_value value;
  if (napi_create_int32(env, kAbiVersion, &value) != napi_ok) return nullptr;
  if (napi_set_named_property(env, exports, "abiVersion", value) != napi_ok) return nullptr;
  for (const Export &e : kExports) {
    if (napi_create_function(env, e.name, NAPI_AUTO_LENGTH, e.function, nullptr, &value) != napi_ok) return nullptr;
    if (napi_set_named_property(env, exports, e.name, value) != napi_ok) return nullptr;
  }
  return exports;
}
