{
  "targets": [
    {
      "target_name": "pcapid",
      "sources": [
        "addon.cc",
        "bpf_exports.cc",
        "bpf_handle.cc",
        "bpf_layout.cc",
        "bpf_map.cc",
        "bpf_program.cc",
        "bpf_ring.cc",
        "btf.cc",
        "capabilities.cc",
        "libpcap.cc",
        "netlink_socket.cc",
        "pcap_exports.cc",
        "pcap_handle.cc",
        "poll.cc",
        "system.cc"
      ],
      "defines": ["NAPI_VERSION=8"],
      "cflags_cc": ["-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wall", "-Wextra"],
      "cflags_cc!": ["-fno-omit-frame-pointer"],
      "libraries": ["-ldl", "-lpthread"]
    }
  ]
}
