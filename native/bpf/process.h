// Processes as they begin, execute and end: what /proc can no longer say of one that lived a millisecond.
#ifndef PCAPID_BPF_PROCESS_H
#define PCAPID_BPF_PROCESS_H

#include "use.h"

extern struct bpf_map processes, scratch_area;

enum { SIGNAL_GROUP_EXIT = 4 };
enum { MAX_PATH_STEPS = 64 };  // names and mount points of a path

INLINE uint64_t cgroup_id_of(const void *task) {
  const void *node = POINTER(POINTER(POINTER(task, task_cgroups), css_set_cgroup), cgroup_node);
  return MEMBER(uint64_t, node, node_id);
}

INLINE void describe(const void *task, uint32_t kind, struct process_event *event) {
  const void *leader = POINTER(task, task_leader), *parent = POINTER(leader, task_parent);
  __builtin_memset(event, 0, sizeof *event);
  event->kind = kind;
  event->pid = MEMBER(uint32_t, task, task_tgid);
  event->time_ns = bpf_ktime_get_boot_ns();
  event->start_ns = MEMBER(uint64_t, leader, task_start);
  event->parent_pid = MEMBER(uint32_t, parent, task_tgid);
  event->parent_start_ns = MEMBER(uint64_t, POINTER(parent, task_leader), task_start);
  event->cgroup_id = cgroup_id_of(task);
  event->uid = MEMBER(uint32_t, POINTER(task, task_cred), cred_uid);
  event->netns_inode = MEMBER(uint32_t, POINTER(POINTER(task, task_nsproxy), nsproxy_net), net_inode);
  bpf_probe_read_kernel(event->comm, sizeof event->comm, (uint64_t)leader + layout.task_comm);
}

INLINE struct process_event *start_process_event(const void *task, uint32_t kind) {
  struct process_event *event = bpf_ringbuf_reserve(&processes, sizeof *event, 0);
  if (event) describe(task, kind, event);
  else count_lost(LOST_PROCESSES);
  return event;
}

INLINE void submit_process(struct process_event *event) {
  bpf_ringbuf_submit(event, wake_flag(&processes, layout.process_ring_bytes, event->time_ns));
}

struct name {  // struct qstr
  uint32_t hash, length;
  uint64_t text;
};

// One step of read_path(): over a mount point, or over a name, which is put before those read. Returns whether the path
// goes on above.
INLINE bool step_up(struct scratch *scratch) {
  struct path_walk walk = scratch->walk;
  uint64_t parent = read_pointer(walk.dentry, layout.dentry_parent);
  if (walk.dentry == read_pointer(walk.mount, layout.mount_vfsmount + layout.vfsmount_root)) {
    uint64_t above = read_pointer(walk.mount, layout.mount_parent);
    scratch->walk.dentry = read_pointer(walk.mount, layout.mount_point);
    scratch->walk.mount = above;
    return above != walk.mount && above;
  }
  struct name name = {};
  bpf_probe_read_kernel(&name, sizeof name, walk.dentry + layout.dentry_name);
  uint32_t length = name.length & 255, begin = walk.begin - length - 1;
  scratch->walk.begin = begin;
  if (begin >= EXE_BYTES) return false;  // it does not fit
  scratch->path[begin] = '/';
  bpf_probe_read_kernel(&scratch->path[begin + 1], length, name.text);
  scratch->walk.dentry = parent;
  return parent != walk.dentry && parent;  // else a file without a mount: memfd_create()
}

// Puts the path of a file to the end of scratch->path, as d_path() in fs/d_path.c does it: from the leaf upwards.
// Returns where it begins, EXE_BYTES when there is none that fits.
INLINE uint32_t read_path(struct scratch *scratch, const void *file) {
  // The walk is kept in the map: what the verifier does not know, it cannot tell apart, and all steps are one to it.
  scratch->walk.dentry = (uint64_t)POINTER(file, file_dentry);
  scratch->walk.mount = (uint64_t)POINTER(file, file_mount) - layout.mount_vfsmount;
  scratch->walk.begin = EXE_BYTES;
#pragma clang loop unroll(disable)
  for (int i = 0; i < MAX_PATH_STEPS; i++)
    if (!step_up(scratch)) return scratch->walk.begin < EXE_BYTES ? scratch->walk.begin : EXE_BYTES;
  return EXE_BYTES;
}

INLINE uint32_t put_exe(struct scratch *scratch, const void *task, const void *binprm) {
  uint32_t begin = read_path(scratch, POINTER(POINTER(task, task_mm), mm_exe_file));
  uint32_t length = (EXE_BYTES - begin) & (EXE_BYTES - 1);
  if (length) {
    bpf_probe_read_kernel(scratch->text, length, (uint64_t)&scratch->path[begin & (EXE_BYTES - 1)]);
    return length;
  }
  long got = bpf_probe_read_kernel_str(scratch->text, EXE_BYTES, (uint64_t)POINTER(binprm, binprm_filename));
  scratch->event.flags |= got > 1 ? PROCESS_EXE_ASKED : PROCESS_EXE_CUT;
  return got > 1 ? (got - 1) & (EXE_BYTES - 1) : 0;
}

INLINE uint32_t put_argv(struct scratch *scratch, const void *task, uint32_t at) {
  const void *mm = POINTER(task, task_mm);
  uint64_t start = MEMBER(uint64_t, mm, mm_arg_start), length = MEMBER(uint64_t, mm, mm_arg_end) - start;
  if (length > ARGV_BYTES) {
    length = ARGV_BYTES;
    scratch->event.flags |= PROCESS_ARGV_CUT;
  }
  if (!bpf_probe_read_user(&scratch->text[at], length, start)) return length;
  scratch->event.flags |= PROCESS_ARGV_CUT;
  return 0;
}

INLINE void on_exec(const void *task, const void *binprm) {
  uint32_t zero = 0;
  struct scratch *scratch = bpf_map_lookup_elem(&scratch_area, &zero);
  if (!scratch) return;
  describe(task, PROCESS_EXECUTED, &scratch->event);
  uint32_t exe = put_exe(scratch, task, binprm);
  uint32_t argv = put_argv(scratch, task, exe);
  scratch->event.exe_length = exe;
  scratch->event.argv_length = argv;
  uint64_t size = sizeof scratch->event + exe + argv;
  uint64_t flag = wake_flag(&processes, layout.process_ring_bytes, scratch->event.time_ns);
  if (bpf_ringbuf_output(&processes, scratch, size, flag)) count_lost(LOST_PROCESSES);
}

// wait_task_zombie() in kernel/exit.c.
INLINE uint32_t exit_code_of(const void *task) {
  const void *signal = POINTER(task, task_signal);
  if (MEMBER(uint32_t, signal, signal_flags) & SIGNAL_GROUP_EXIT) return MEMBER(uint32_t, signal, signal_exit_code);
  return MEMBER(uint32_t, POINTER(task, task_leader), task_exit_code);
}

#endif
