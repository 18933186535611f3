import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCgroup } from '../../../src/linux/cgroup.ts';

const A = 'a'.repeat(32) + '0123456789abcdef'.repeat(2);
const B = 'b'.repeat(32) + 'fedcba9876543210'.repeat(2);

// path of the unified hierarchy, unit, container
const PATHS: readonly (readonly [path: string, unit: string | null, container: string | null])[] = [
  ['/', null, null],
  ['/init.scope', 'init.scope', null],
  ['/system.slice', null, null],
  ['/system.slice/ssh.service', 'ssh.service', null],
  ['/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service', null],
  ['/system.slice/system-postgresql.slice/postgresql@15-main.service', 'postgresql@15-main.service', null],
  ['/system.slice/cups.socket', 'cups.socket', null],
  ['/system.slice/dev-disk-by\\x2duuid-1234.swap', 'dev-disk-by-uuid-1234.swap', null],
  ['/user.slice/user-1000.slice/session-3.scope', 'session-3.scope', null],
  ['/user.slice/user-1000.slice/user@1000.service/init.scope', 'init.scope', null],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-123.scope', 'app-firefox-123.scope', null],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/pipewire.service', 'pipewire.service', null],
  ['/system.slice/_cpu.service', 'cpu.service', null],
  // Docker: systemd driver, cgroupfs driver, systemd inside
  [`/system.slice/docker-${A}.scope`, `docker-${A}.scope`, A],
  [`/docker/${A}`, null, A],
  [`/system.slice/docker-${A}.scope/system.slice/nginx.service`, 'nginx.service', A],
  [`/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${A}.scope`, `docker-${A}.scope`, A],
  // Podman: root, rootless, cgroupfs; conmon watches from outside
  [`/machine.slice/libpod-${A}.scope/container`, `libpod-${A}.scope`, A],
  [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${A}.scope/container`, `libpod-${A}.scope`, A],
  [`/libpod_parent/libpod-${A}`, null, A],
  [`/machine.slice/libpod-conmon-${A}.scope`, `libpod-conmon-${A}.scope`, null],
  // Kubernetes: containerd, CRI-O, Docker, cgroupfs driver, kind (a node that is a container)
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12.slice/cri-containerd-${A}.scope`,
    `cri-containerd-${A}.scope`,
    A,
  ],
  [`/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12.slice/crio-${A}.scope`, `crio-${A}.scope`, A],
  [`/kubepods.slice/kubepods-pod12.slice/crio-conmon-${A}.scope`, `crio-conmon-${A}.scope`, null],
  [`/kubepods/burstable/pod1234-5678/${A}`, null, A],
  [`/system.slice/containerd.service/kubepods-burstable-pod12.slice:cri-containerd:${A}`, 'containerd.service', A],
  [`/docker/${B}/kubelet/kubepods/besteffort/pod12/${A}`, null, A],
  // others
  [`/default/${A}`, null, A],
  [`/system.slice/nerdctl-${A}.scope`, `nerdctl-${A}.scope`, A],
  [`/ecs/0123456789abcdef0123456789abcdef/${A}`, null, A],
  ['/lxc/web', null, 'web'],
  ['/lxc.payload.web-1', null, 'web-1'],
  ['/lxc.payload.web-1/system.slice/cron.service', 'cron.service', 'web-1'],
  ['/lxc.payload/web', null, 'web'],
  ['/lxc.monitor.web-1', null, null],
  ['/lxc/101/ns/system.slice/ssh.service', 'ssh.service', '101'],
  ['/machine.slice/systemd-nspawn@build\\x2dbox.service/payload', 'systemd-nspawn@build-box.service', 'build-box'],
  [`/lxc/host/docker/${A}`, null, A],
  // not containers
  ['/machine.slice/machine-qemu\\x2d1\\x2dvm.scope', 'machine-qemu-1-vm.scope', null],
  [`/jobs/${A.slice(1)}`, null, null],
  [`/jobs/${A}0`, null, null],
  ['/../../system.slice/cron.service', 'cron.service', null],
];

for (const [path, unit, container] of PATHS) {
  test(`parseCgroup() understands ${path.replaceAll(A, 'ID')}`, () => {
    const found = parseCgroup(`0::${path}\n`);
    assert.deepEqual([found.unit, found.container], [unit, container]);
    assert.equal(found.path, path.replaceAll('\\', '\\\\'));
  });
}

test('parseCgroup() takes the systemd hierarchy of a legacy host', () => {
  const text = '12:pids:/system.slice/ssh.service\n11:cpu,cpuacct:/\n1:name=systemd:/system.slice/ssh.service\n';
  assert.deepEqual(parseCgroup(text), { path: '/system.slice/ssh.service', unit: 'ssh.service', container: null });
});

test('parseCgroup() prefers the systemd hierarchy where the unified one shows only the daemon', () => {
  const text = `9:memory:/docker/${A}\n1:name=systemd:/docker/${A}\n0::/system.slice/containerd.service\n`;
  assert.deepEqual(parseCgroup(text), { path: `/docker/${A}`, unit: null, container: A });
});

test('parseCgroup() takes another hierarchy when systemd has only the root', () => {
  const text = `9:name=systemd:/\n4:memory:/docker/${A}\n0::/\n`;
  assert.deepEqual(parseCgroup(text), { path: `/docker/${A}`, unit: null, container: A });
});

test('parseCgroup() ignores that the group of a zombie was removed', () => {
  assert.equal(parseCgroup('0::/system.slice/a.service (deleted)\n').unit, 'a.service');
});

test('parseCgroup() knows nothing from nothing', () => {
  for (const text of ['', '\n', 'nonsense', '0:', '0::relative']) {
    assert.deepEqual(parseCgroup(text), { path: null, unit: null, container: null });
  }
});

test('parseCgroup() makes escaped control characters of a unit harmless', () => {
  assert.equal(parseCgroup('0::/system.slice/a\\xff\\x5cb.service').unit, 'a\\xff\\\\b.service');
});

test('parseCgroup() never throws', () => {
  fc.assert(fc.property(fc.string(), (path) => parseCgroup(`0::/${path}\n`) !== undefined));
});
