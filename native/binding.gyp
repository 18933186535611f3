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
        "flow_count.cc",
        "libpcap.cc",
        "netlink_socket.cc",
        "pcap_exports.cc",
        "pcap_handle.cc",
        "plain_packets.cc",
        "poll.cc",
        "system.cc",
        "walk_pcap.cc"
      ],
      "defines": ["NAPI_VERSION=8"],
      "cflags_cc": ["-std=c++17", "-O3", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wall", "-Wextra"],
      "cflags_cc!": ["-fno-omit-frame-pointer"],
      "libraries": ["-ldl", "-lpthread"]
    }
  ]
}
