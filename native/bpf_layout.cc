#include "bpf_layout.h"

namespace {

struct Place {
  uint32_t kernel_layout::*offset;
  const char *type, *member;
  bool optional = false;
};

using L = kernel_layout;

constexpr Place kPlaces[] = {
    {&L::sock_family, "sock", "__sk_common.skc_family"},
    {&L::sock_type, "sock", "sk_type"},
    {&L::sock_protocol, "sock", "sk_protocol"},
    {&L::sock_state, "sock", "__sk_common.skc_state"},
    {&L::sock_local_port, "sock", "__sk_common.skc_num"},
    {&L::sock_remote_port, "sock", "__sk_common.skc_dport"},
    {&L::sock_local_v4, "sock", "__sk_common.skc_rcv_saddr"},
    {&L::sock_remote_v4, "sock", "__sk_common.skc_daddr"},
    {&L::sock_bound_ifindex, "sock", "__sk_common.skc_bound_dev_if"},
    {&L::sock_net, "sock", "__sk_common.skc_net.net"},
    {&L::sock_socket, "sock", "sk_socket"},
    {&L::sock_cookie, "sock", "__sk_common.skc_cookie.counter"},
    {&L::sock_local_v6, "sock", "__sk_common.skc_v6_rcv_saddr", true},
    {&L::sock_remote_v6, "sock", "__sk_common.skc_v6_daddr", true},
    {&L::sock_uid, "sock", "sk_uid", true},
    {&L::tcp_sent, "tcp_sock", "write_seq", true},
    {&L::tcp_received, "tcp_sock", "copied_seq", true},
    {&L::socket_sk, "socket", "sk"},
    {&L::socket_file, "socket", "file"},
    {&L::net_inode, "net", "ns.inum"},
    {&L::net_cookie, "net", "net_cookie", true},
    {&L::file_inode, "file", "f_inode"},
    {&L::inode_number, "inode", "i_ino"},
    {&L::iter_meta_seq, "bpf_iter_meta", "seq"},
    {&L::task_pid, "task_struct", "pid"},
    {&L::task_tgid, "task_struct", "tgid"},
    {&L::task_comm, "task_struct", "comm"},
    {&L::task_flags, "task_struct", "flags"},
    {&L::task_leader, "task_struct", "group_leader"},
    {&L::task_start, "task_struct", "start_boottime"},
    {&L::task_parent, "task_struct", "real_parent"},
    {&L::task_cred, "task_struct", "real_cred"},
    {&L::cred_uid, "cred", "uid.val"},
    {&L::task_nsproxy, "task_struct", "nsproxy"},
    {&L::nsproxy_net, "nsproxy", "net_ns"},
    {&L::task_cgroups, "task_struct", "cgroups"},
    {&L::css_set_cgroup, "css_set", "dfl_cgrp"},
    {&L::cgroup_node, "cgroup", "kn"},
    {&L::node_id, "kernfs_node", "id"},
    {&L::task_exit_code, "task_struct", "exit_code"},
    {&L::task_signal, "task_struct", "signal"},
    {&L::signal_live, "signal_struct", "live"},
    {&L::signal_flags, "signal_struct", "flags"},
    {&L::signal_exit_code, "signal_struct", "group_exit_code"},
    {&L::task_mm, "task_struct", "mm"},
    {&L::mm_exe_file, "mm_struct", "exe_file"},
    {&L::mm_arg_start, "mm_struct", "arg_start"},
    {&L::mm_arg_end, "mm_struct", "arg_end"},
    {&L::binprm_filename, "linux_binprm", "filename"},
    {&L::file_mount, "file", "f_path.mnt"},
    {&L::file_dentry, "file", "f_path.dentry"},
    {&L::dentry_parent, "dentry", "d_parent"},
    {&L::dentry_name, "dentry", "d_name"},
    {&L::vfsmount_root, "vfsmount", "mnt_root"},
    {&L::mount_vfsmount, "mount", "mnt"},
    {&L::mount_parent, "mount", "mnt_parent"},
    {&L::mount_point, "mount", "mnt_mountpoint"},
};

}  // namespace

std::string FillLayout(const Btf &btf, kernel_layout *layout) {
  for (const Place &place : kPlaces) {
    const int offset = btf.MemberOffset(place.type, place.member);
    if (offset >= 0) layout->*place.offset = static_cast<uint32_t>(offset);
    else if (!place.optional) return std::string("no member ") + place.type + "." + place.member;
  }
  return "";
}
