// The functions that addon.cc exports, one group a source file. JavaScript has validated and allocated everything:
// arguments are positional and of the right type, typed arrays are filled in place, results are integers or small
// arrays, and only opening throws. A call with other arguments fails without touching memory that is not its own.
#ifndef PCAPID_ADDON_H
#define PCAPID_ADDON_H

#include <node_api.h>

// walk_pcap.cc
napi_value WalkPcap(napi_env env, napi_callback_info info);

// plain_packets.cc
napi_value DecodePlain(napi_env env, napi_callback_info info);

// flow_count.cc
napi_value CountFlows(napi_env env, napi_callback_info info);

// pcap_exports.cc
napi_value PcapOpen(napi_env env, napi_callback_info info);
napi_value PcapInfo(napi_env env, napi_callback_info info);
napi_value PcapRead(napi_env env, napi_callback_info info);
napi_value PcapError(napi_env env, napi_callback_info info);
napi_value PcapStats(napi_env env, napi_callback_info info);
napi_value PcapClose(napi_env env, napi_callback_info info);
napi_value PcapVersion(napi_env env, napi_callback_info info);

// poll.cc
napi_value Poll(napi_env env, napi_callback_info info);
napi_value WakeCreate(napi_env env, napi_callback_info info);
napi_value Wake(napi_env env, napi_callback_info info);
napi_value WakeClear(napi_env env, napi_callback_info info);
napi_value CloseFd(napi_env env, napi_callback_info info);

// netlink_socket.cc
napi_value NetlinkOpen(napi_env env, napi_callback_info info);
napi_value NetlinkSend(napi_env env, napi_callback_info info);
napi_value NetlinkReceive(napi_env env, napi_callback_info info);
napi_value NetlinkRequest(napi_env env, napi_callback_info info);

// bpf_exports.cc
napi_value BpfOpen(napi_env env, napi_callback_info info);
napi_value BpfPrograms(napi_env env, napi_callback_info info);
napi_value BpfClose(napi_env env, napi_callback_info info);
napi_value BpfRingOpen(napi_env env, napi_callback_info info);
napi_value BpfRingRead(napi_env env, napi_callback_info info);
napi_value BpfRingClose(napi_env env, napi_callback_info info);
napi_value BpfSnapshot(napi_env env, napi_callback_info info);
napi_value BpfLost(napi_env env, napi_callback_info info);
napi_value CgroupMount(napi_env env, napi_callback_info info);
napi_value NetnsCookie(napi_env env, napi_callback_info info);

// capabilities.cc
napi_value Capabilities(napi_env env, napi_callback_info info);
napi_value ExecReduced(napi_env env, napi_callback_info info);

// system.cc
napi_value Clocks(napi_env env, napi_callback_info info);
napi_value SdNotify(napi_env env, napi_callback_info info);

#endif
