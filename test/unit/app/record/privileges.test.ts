import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  Capability,
  capabilityMask,
  RECORD_CAPABILITIES,
  readCapabilities,
  reducePrivileges,
} from '../../../../src/app/record/privileges.ts';
import type { Native } from '../../../../src/native/binding.ts';

type ExecArguments = Parameters<Native['execReduced']>;

/** A native side whose thread has these masks, and whose execve fails with ENOENT after noting its arguments. */
function fake(effective: bigint, permitted = effective): { native: Native; calls: ExecArguments[] } {
  const calls: ExecArguments[] = [];
  const native = {
    capabilities(out: Float64Array): number {
      out.set([Number(effective), Number(permitted), 2 ** 41 - 1]);
      return 0;
    },
    execReduced(...call: ExecArguments): number {
      calls.push(call);
      return -2;
    },
  };
  return { native: native as unknown as Native, calls };
}

const FULL = (1n << 41n) - 1n;
const KEPT = capabilityMask(RECORD_CAPABILITIES);
const request = { keep: RECORD_CAPABILITIES, databaseFolder: '/' };

afterEach(() => {
  delete process.env.PCAPID_REDUCED;
});

test('capabilityMask() has the bits of linux/capability.h', () => {
  assert.equal(capabilityMask([]), 0n);
  assert.equal(capabilityMask([Capability.NetRaw, Capability.Bpf]), 0x8000002000n);
  assert.equal(KEPT, 0xc000083004n);
});

test('readCapabilities() keeps the bits above 32', () => {
  assert.deepEqual(readCapabilities(fake(FULL).native), { effective: FULL, permitted: FULL, bounding: FULL });
});

test('reducePrivileges() does nothing without capabilities or with no more than wanted', () => {
  const none = fake(0n);
  assert.equal(reducePrivileges(none.native, request).state, 'unprivileged');
  const few = fake(capabilityMask([Capability.NetRaw]));
  assert.equal(reducePrivileges(few.native, request).state, 'already');
  assert.equal(none.calls.length + few.calls.length, 0);
});

test('reducePrivileges() counts a permitted capability that is not effective', () => {
  const { native, calls } = fake(KEPT, FULL);
  reducePrivileges(native, request);
  assert.equal(calls.length, 1);
});

test('reducePrivileges() executes the same program with the same words, marked, and says why that failed', () => {
  const { native, calls } = fake(FULL);
  const result = reducePrivileges(native, { ...request, environment: { PCAPID_DB: '/x.db' } });
  assert.equal(result.state, 'failed');
  assert.match(result.detail, /ENOENT/);
  const [keepMask, uid, gid, path, argv, envp] = calls[0]!;
  assert.equal(BigInt(keepMask), KEPT);
  assert.deepEqual([uid, gid], [process.geteuid!(), process.getegid!()]); // the root folder is root's
  assert.equal(path, process.execPath);
  const ofV8 = [
    ...['--optimize-for-size', '--max-semi-space-size=1'],
    ...['--heap-growing-percent=15', '--single-threaded-gc'],
  ];
  assert.deepEqual(argv, [process.argv0, ...process.execArgv, ...ofV8, ...process.argv.slice(1)]);
  for (const wanted of ['PCAPID_DB=/x.db', 'PCAPID_REDUCED=1', 'MALLOC_MMAP_THRESHOLD_=131072'])
    assert.ok(envp.includes(wanted), wanted);
});

test('reducePrivileges() does not begin anew twice', () => {
  const { native, calls } = fake(FULL);
  process.env.PCAPID_REDUCED = '1';
  assert.equal(reducePrivileges(native, request).state, 'failed');
  assert.equal(calls.length, 0);
  assert.equal(process.env.PCAPID_REDUCED, undefined, 'children are not told');
});

test('reducePrivileges() says reduced in the process that began anew', () => {
  process.env.PCAPID_REDUCED = '1';
  assert.equal(reducePrivileges(fake(KEPT).native, request).state, 'reduced');
});
