// The pcap* functions of the addon: a PcapHandle behind an external value.
#include "addon.h"
#include "arguments.h"
#include "pcap_handle.h"

namespace {

// A worker that is terminated runs its clean-up hooks before its finalizers, in the thread of the handle.
void CloseHook(void *handle) { static_cast<PcapHandle *>(handle)->Close(); }

void Finalize(napi_env env, void *data, void *) {
  napi_remove_env_cleanup_hook(env, CloseHook, data);
  delete static_cast<PcapHandle *>(data);
}

PcapHandle *HandleOf(napi_env env, napi_value value) {
  void *data = nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<PcapHandle *>(data) : nullptr;
}

napi_value Throw(napi_env env, const OpenFailure &failure) {
  napi_throw_error(env, failure.code, failure.text.c_str());
  return nullptr;
}

}  // namespace

// (device, filter, snaplen, ringBytes, timeoutMs, promiscuous, netnsPath) -> handle; throws with a `code`
napi_value PcapOpen(napi_env env, napi_callback_info info) {
  const Arguments<7> in(env, info);
  const CaptureOptions options{in.Text(0), in.Text(1), in.Int(2), in.Int(3), in.Int(4), in.Int(5) != 0, in.Text(6)};
  PcapHandle *handle = new PcapHandle;
  OpenFailure failure;
  napi_value external = nullptr;
  if (!handle->Open(options, &failure)) {
    delete handle;
    return Throw(env, failure);
  }
  if (napi_create_external(env, handle, Finalize, nullptr, &external) != napi_ok) {
    delete handle;
    return Throw(env, {"capture-failed", "out of memory"});
  }
  napi_add_env_cleanup_hook(env, CloseHook, handle);
  return external;
}

// (handle) -> [fd, linkType, snaplen, ifindex]
napi_value PcapInfo(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const PcapHandle *handle = HandleOf(env, in[0]);
  if (handle == nullptr) return nullptr;
  const int values[] = {handle->fd(), handle->link_type(), handle->snaplen(), handle->ifindex()};
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, 4, &array) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < 4; i++) napi_set_element(env, array, i, ToInt(env, values[i]));
  return array;
}

// (handle, bytes, offset, capLen, origLen, sec, nsec) -> packets, or a ReadStatus
napi_value PcapRead(napi_env env, napi_callback_info info) {
  const Arguments<7> in(env, info);
  PcapHandle *handle = HandleOf(env, in[0]);
  if (handle == nullptr) return ToInt(env, kReadFailed);
  const Span<uint8_t> bytes = in.Array<uint8_t>(1);
  PacketColumns columns{bytes.data, bytes.length, nullptr, nullptr, nullptr, nullptr, nullptr, SIZE_MAX};
  uint32_t **const column[] = {&columns.offset, &columns.cap_len, &columns.orig_len, &columns.sec, &columns.nsec};
  for (size_t i = 0; i < 5; i++) {
    const Span<uint32_t> array = in.Array<uint32_t>(2 + i);
    *column[i] = array.data;
    if (array.length < columns.rows) columns.rows = array.length;
  }
  return ToInt(env, handle->Read(columns));
}

// (handle) -> text of the last kReadFailed
napi_value PcapError(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  const PcapHandle *handle = HandleOf(env, in[0]);
  return ToText(env, handle == nullptr ? "not a capture handle" : handle->error());
}

// (handle, out Float64Array[kCounters]) -> 0
napi_value PcapStats(napi_env env, napi_callback_info info) {
  const Arguments<2> in(env, info);
  PcapHandle *handle = HandleOf(env, in[0]);
  const Span<double> out = in.Array<double>(1);
  if (handle == nullptr || out.length < kCounters) return ToInt(env, kReadFailed);
  const uint64_t *total = handle->Stats();
  for (size_t i = 0; i < kCounters; i++) out.data[i] = static_cast<double>(total[i]);
  return ToInt(env, 0);
}

// (handle); again is no error
napi_value PcapClose(napi_env env, napi_callback_info info) {
  const Arguments<1> in(env, info);
  if (PcapHandle *handle = HandleOf(env, in[0])) handle->Close();
  return nullptr;
}

// () -> 'libpcap version 1.10.3 ...'; throws no-libpcap
napi_value PcapVersion(napi_env env, napi_callback_info) {
  const Libpcap &pcap = LoadLibpcap();
  if (!pcap.failure.empty()) return Throw(env, {"no-libpcap", pcap.failure});
  return ToText(env, pcap.lib_version());
}
