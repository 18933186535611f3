/** The BPF programs come and go without harm: in one cgroup first, after a crash, without rights. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadNative } from '../../../src/native/binding.ts';
import { BpfProbe, bpfMissing, cgroupRoot } from '../../support/bpf-probe.ts';
import { type Child, killChildren, startChild } from '../../support/child.ts';
import { compileProgram } from '../../support/compile.ts';
import { asNobody, nobodyMissing } from '../../support/nobody.ts';
import { waitFor } from '../../support/wait.ts';

const PROGRAMS = 'fork exec exit task_file send_length recv_length set_state '.concat(
  'sock_create sock_release connect4 connect6 sendmsg4 sendmsg6 skb_egress skb_ingress',
);
const skip = bpfMissing();
const native = loadNative();
const holder = compileProgram('bpf-holder');
after(killChildren);

interface Report {
  readonly programs?: readonly (readonly [string, string, number, string])[];
  readonly error?: string;
  readonly code?: string;
}

const TALK = `
import socket
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    listener = socket.socket(family); listener.bind((host, 0)); listener.listen()
    client = socket.create_connection(listener.getsockname()[:2]); accepted, _ = listener.accept()
    client.sendall(b"x" * 100000); got = 0
    while got < 100000: got += len(accepted.recv(65536))
    a = socket.socket(family, socket.SOCK_DGRAM); a.bind((host, 0))
    b = socket.socket(family, socket.SOCK_DGRAM); b.sendto(b"x", a.getsockname()); assert a.recv(1) == b"x"
print("talked")`;

const talks = (prefix: readonly string[] = []): void => {
  const [file, ...args] = [...prefix, 'python3', '-c', TALK];
  const { stdout, stderr } = spawnSync(file!, args, { encoding: 'utf8', timeout: 20_000 });
  assert.equal(stdout, 'talked\n', stderr);
};

function reportOf(child: Child): Promise<Report> {
  return waitFor(() => child.out().includes('\n') && (JSON.parse(child.out()) as Report), 20_000, 'the programs');
}

test('traffic of a cgroup goes on while the programs are attached to it alone', { skip }, () => {
  const folder = join(cgroupRoot(), `pcapid-test-${process.pid}`);
  mkdirSync(folder);
  try {
    const probe = new BpfProbe({ cgroup: folder, tracing: 0 });
    talks(['sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh']);
    assert.ok(probe.sockets().length > 0);
    talks(); // outside
    assert.deepEqual(probe.sockets(), []);
    probe.close();
  } finally {
    rmdirSync(folder);
  }
});

test('every program is attached, each reports, and traffic of the host goes on', { skip }, () => {
  const probe = new BpfProbe();
  assert.deepEqual(
    probe.programs.map(([name, step, errno]) => [name, step, errno]),
    PROGRAMS.split(' ').map((name) => [name, '', 0]),
  );
  talks();
  assert.ok(probe.sockets().length > 0);
  probe.close();
  assert.deepEqual(native.bpfLost(probe.fds[3]!, new Float64Array(2)), -9, 'closed');
});

test('without a mounted hierarchy one is mounted that nobody sees', { skip }, () => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  const probe = new BpfProbe({ cgroup: '' });
  assert.ok(probe.programs.every(([, , errno]) => errno === 0));
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
  talks();
  assert.ok(probe.sockets().length > 0);
  probe.close();
});

test('a killed recorder leaves nothing attached', { skip }, async () => {
  const child = startChild([process.execPath, holder, cgroupRoot(), 'hold']);
  await reportOf(child);
  const ids = [...new Set(programIds(child.pid))];
  assert.equal(ids.length, PROGRAMS.split(' ').length);
  assert.deepEqual(alive(ids), ids);
  await child.stop('SIGKILL');
  await waitFor(() => alive(ids).length === 0, 5000, 'the kernel to free the programs');
  talks();
});

function programIds(pid: number): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const texts = readdirSync(folder).map((fd) => readFileSync(join(folder, fd), 'utf8'));
  return texts.flatMap((text) => (/^prog_id:\s*(\d+)/m.exec(text) ?? []).slice(1).map(Number));
}

/** Those of the programs that the kernel still has: BPF_PROG_GET_FD_BY_ID. */
function alive(ids: readonly number[]): readonly number[] {
  const script = `
import ctypes, json, platform, struct, sys
number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
call = lambda id: ctypes.CDLL(None).syscall(number, 13, struct.pack("<3I", id, 0, 0), 12)
print(json.dumps([id for id in json.loads(sys.argv[1]) if call(id) >= 0]))`;
  return JSON.parse(spawnSync('python3', ['-c', script, JSON.stringify(ids)], { encoding: 'utf8' }).stdout) as number[];
}

const noNobody = nobodyMissing();
const asUser = async (...capabilities: string[]): Promise<Report> =>
  reportOf(startChild([...asNobody(...capabilities), process.execPath, holder, cgroupRoot()]));

test('without CAP_PERFMON only the programs of cgroups run', { skip: skip || noNobody }, async () => {
  const { programs, error } = await asUser('bpf', 'net_admin');
  const running = programs?.filter(([, , errno]) => errno === 0).map(([name]) => name);
  assert.deepEqual(running, PROGRAMS.split(' ').slice(7), error);
  const [, step, errno] = programs!.find(([name]) => name === 'send_length')!;
  assert.deepEqual([step, errno], ['load', 1]); // EPERM
});

test('with all three capabilities everything runs', { skip: skip || noNobody }, async () => {
  const { programs, error } = await asUser('bpf', 'net_admin', 'perfmon');
  assert.deepEqual(
    programs?.filter(([, , errno]) => errno !== 0),
    [],
    error,
  );
});

test('without CAP_BPF there is an error that says so', { skip: skip || noNobody }, async () => {
  const { code, error } = await asUser('net_admin');
  assert.equal(code, 'no-bpf');
  assert.match(error!, /Operation not permitted/);
});

test('wrong arguments are answered, not obeyed', { skip }, () => {
  assert.equal(native.bpfRingOpen(-1, 4096), -9);
  assert.equal(native.bpfRingOpen(0, 1000), -22);
  assert.equal(native.bpfSnapshot(-1, new Uint8Array(120)), -9);
  const folder = join(cgroupRoot(), 'absent');
  assert.throws(() => new BpfProbe({ cgroup: folder, tracing: 0 }), /no BPF program.*No such file/);
  assert.throws(() => new BpfProbe({ socketRingBytes: 1000 }), /sockets: Invalid argument/);
  const probe = new BpfProbe();
  const ring = native.bpfRingOpen(probe.fds[0]!, 4 << 20);
  assert.ok(typeof ring !== 'number');
  assert.equal(native.bpfRingRead(ring, new Uint8Array(10)), 0, 'no room for a record');
  native.bpfRingClose(ring);
  assert.equal(native.bpfRingRead(ring, new Uint8Array(1000)), 0, 'closed');
  probe.close();
});
