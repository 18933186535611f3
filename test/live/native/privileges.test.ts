import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { capabilityMask, RECORD_CAPABILITIES, readCapabilities } from '../../../src/app/record/privileges.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { startChild } from '../../support/child.ts';
import { compileProgram } from '../../support/compile.ts';

interface Report {
  readonly state: string;
  readonly detail: string;
  readonly pid: number;
  readonly args: string[];
  readonly environment: string | null;
  readonly mark: string | null;
  readonly threads: Record<'CapPrm' | 'CapEff' | 'CapBnd' | 'Uid' | 'Gid' | 'Groups' | 'NoNewPrivs', string[]>;
  readonly write: string;
  readonly capture: string;
  readonly ownFiles: string;
}

const SET = ['CAP_SETPCAP', 'CAP_SETUID', 'CAP_SETGID', 'CAP_CHOWN'] as const;
const needed = capabilityMask([8, 7, 6, 0]);
const { effective } = readCapabilities(loadNative());
const isRealRoot = process.geteuid!() === 0 && statSync('/proc/1').uid === 0 && (effective & needed) === needed;
const skip = isRealRoot ? false : `needs root with ${SET.join(', ')}`;

const program = compileProgram('reduce');
const folder = mkdtempSync(join(tmpdir(), 'pcapid-reduce-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

const kept = effective & capabilityMask(RECORD_CAPABILITIES);
const hex = (mask: bigint): string => mask.toString(16).padStart(16, '0');

async function reduce(prefix: readonly string[], into: string, ...args: string[]): Promise<Report & { child: number }> {
  const child = startChild([...prefix, process.execPath, program, into, ...args]);
  const { out, err } = await child.done;
  assert.match(out, /^\{/, err);
  return { ...(JSON.parse(out) as Report), child: child.pid };
}

function folderOf(uid: number, gid: number): string {
  const path = mkdtempSync(join(folder, 'f-'));
  chownSync(path, uid, gid);
  return path;
}

test('root keeps only what recording needs, in every thread, with the same pid and arguments', { skip }, async () => {
  const report = await reduce([], folderOf(0, 0), 'a b', '');
  assert.equal(report.state, 'reduced', report.detail);
  assert.equal(report.pid, report.child);
  assert.deepEqual(report.args.slice(1), ['a b', '']);
  assert.deepEqual([report.environment, report.mark], ['passed on', null]);
  const { CapPrm, CapEff, CapBnd, Uid, NoNewPrivs } = report.threads;
  assert.deepEqual([CapPrm, CapEff, CapBnd], [[hex(kept)], [hex(kept)], [hex(kept)]]);
  assert.deepEqual([Uid, NoNewPrivs], [['0 0 0 0'], ['1']]);
  assert.deepEqual([report.write, report.capture], ['ok', 'ok']);
});

test("root becomes the owner of the database's folder and keeps the same capabilities", { skip }, async () => {
  const into = folderOf(1000, 1001);
  const report = await reduce([], into);
  assert.equal(report.state, 'reduced', report.detail);
  const { CapEff, CapBnd, Uid, Gid, Groups } = report.threads;
  assert.deepEqual([CapEff, CapBnd], [[hex(kept)], [hex(kept)]]);
  assert.deepEqual([Uid, Gid, Groups], [['1000 1000 1000 1000'], ['1001 1001 1001 1001'], ['1001']]);
  assert.deepEqual([report.write, report.capture, report.ownFiles], ['ok', 'ok', 'ok']);
  const made = statSync(join(into, 'made'));
  assert.deepEqual([made.uid, made.gid], [1000, 1001]);
});

test('a folder that does not exist yet counts as its parent', { skip }, async () => {
  const report = await reduce([], join(folderOf(1000, 1000), 'later', 'still'));
  assert.deepEqual(report.threads.Uid, ['1000 1000 1000 1000']);
});

test('in a user namespace root stays, because the owner of a strange folder is nobody there', { skip }, async () => {
  const report = await reduce(['unshare', '-rn'], folderOf(1000, 1000));
  assert.equal(report.state, 'reduced', report.detail);
  assert.deepEqual([report.threads.CapEff, report.threads.Uid], [[hex(kept)], ['0 0 0 0']]);
});

test('nothing happens to a process without capabilities, or with few', { skip }, async () => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  assert.equal((await reduce(nobody, folder)).state, 'unprivileged');
  const one = [...nobody, '--inh-caps=+net_raw', '--ambient-caps=+net_raw'];
  const report = await reduce(one, folder);
  assert.deepEqual([report.state, report.threads.CapEff, report.capture], ['already', [hex(1n << 13n)], 'ok']);
});

test('a user with too many ambient capabilities keeps the wanted ones', { skip }, async () => {
  const caps = '+net_raw,+sys_time';
  const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', `--inh-caps=${caps}`];
  const report = await reduce([...user, `--ambient-caps=${caps}`], folder);
  assert.equal(report.state, 'reduced', report.detail);
  assert.deepEqual([report.threads.CapEff, report.threads.NoNewPrivs], [[hex(1n << 13n)], ['1']]);
});

test('a step that fails leaves the process as it was', { skip }, async () => {
  const report = await reduce(['setpriv', '--bounding-set=-setpcap'], folderOf(0, 0));
  assert.equal(report.state, 'failed');
  assert.match(report.detail, /EPERM/);
  assert.deepEqual(report.threads.CapEff, [hex(effective & ~capabilityMask([8]))]);
  assert.deepEqual([report.threads.NoNewPrivs, report.write], [['0'], 'ok']);
});
