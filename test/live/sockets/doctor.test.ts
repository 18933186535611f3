/** `pcapid doctor` on this kernel, with rights, mounts and files taken away. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Check } from '../../../src/core/health.ts';
import { asNobody, nobodyMissing } from '../../support/nobody.ts';
import { type RunOptions, runPcapid } from '../../support/run-pcapid.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-doctor-'));
after(() => rmSync(folder, { recursive: true }));
const db = join(folder, 'x.db');

/** @returns the lines by name; never an error, whatever is missing */
async function doctor(options: RunOptions = {}): Promise<(name: string) => Check> {
  const { code, out, err } = await runPcapid(['doctor', '--db', db, '--format', 'json'], options);
  assert.deepEqual([code, err], [0, '']);
  const checks = JSON.parse(out) as Check[];
  for (const { name, state, loss } of checks) assert.equal(state === 'ok', loss === null, name);
  return (name) => checks.find((check) => check.name === name) ?? assert.fail(`no line ${name}`);
}

/** A shell in mount and pid namespaces of its own that changes /proc and then becomes the program. */
const inMounts = (script: string, ...flags: string[]): string[] => [
  'unshare',
  '-m',
  ...flags,
  'sh',
  '-c',
  `${script} && exec "$@"`,
  'sh',
];

const canMount = spawnSync('unshare', ['-mpf', 'mount', '-t', 'proc', 'proc', '/proc']).status === 0;
const skip = canMount ? false : 'no right to mount /proc';

test('doctor finds that all sources work for root', async () => {
  const check = await doctor();
  for (const name of ['addon', 'libpcap', 'capture', 'diag', 'route', 'proc-net', 'proc', 'database', 'disk']) {
    assert.equal(check(name).state, 'ok', `${name}: ${check(name).detail}`);
  }
});

test('doctor prints lines of at most 80 columns for people, aligned', async () => {
  const { code, out } = await runPcapid(['doctor', '--db', db], { env: { PCAPID_ADDON: '/nonexistent' } });
  assert.equal(code, 0);
  for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
  const lines = out.split('\n\n')[0]!.split('\n');
  for (const line of lines) assert.match(line, /^((ok|--|NO) {2}[a-z0-9-]+ +| {21}( {6})?)\S/);
  const starts = new Set(lines.map((line) => /^(?:(?:ok|--|NO) {2}[a-z0-9-]+ +| {21}(?: {6})?)/.exec(line)![0].length));
  assert.deepEqual([...starts].sort(), [21, 27], 'details begin in one column, continued losses in another');
});

test('doctor goes on without the addon', async () => {
  const check = await doctor({ env: { PCAPID_ADDON: '/nonexistent' } });
  assert.equal(check('addon').state, 'missing');
  assert.match(check('addon').detail, /\/nonexistent/);
  assert.equal(check('proc-net').state, 'ok');
});

describe('doctor as nobody', { skip: nobodyMissing() }, () => {
  test('names the missing rights, what each costs and how to get them', async () => {
    const check = await doctor({ before: asNobody() });
    assert.equal(check('capture').state, 'missing');
    assert.match(check('capture').detail, /not permitted/);
    assert.equal(check('diag').state, 'ok', 'sock_diag needs no right');
    assert.match(check('proc-fd').detail, /^EACCES for the descriptors of \d+ of \d+ processes$/);
    assert.match(check('capabilities').detail, /CAP_NET_RAW.*CAP_SYS_PTRACE/);
    assert.match(check('netns').detail, /EPERM/);
    assert.match(check('disk').detail, /EACCES/);
    for (const name of ['capture', 'capabilities']) assert.match(check(name).remedy!, /setpriv/);
  });

  test('sees hidepid, which root looks through', { skip }, async () => {
    const hide = inMounts('mount -t proc -o hidepid=invisible proc /proc', '-pf');
    const bound = await doctor({ before: [...hide, ...asNobody()] });
    assert.match(bound('hidepid').detail, /hidepid=invisible/);
    const root = await doctor({ before: hide });
    assert.equal(root('hidepid').state, 'ok');
  });
});

describe('doctor with another /proc', { skip }, () => {
  test('says that one which is read-only is enough', async () => {
    const check = await doctor({ before: inMounts('mount -t proc -o ro proc /proc', '-pf') });
    assert.deepEqual([check('proc').state, check('proc').detail], ['ok', 'mounted read-only, which is enough']);
    assert.equal(check('proc-fd').state, 'ok');
  });

  test('notices one of another pid namespace', async () => {
    const check = await doctor({ before: ['unshare', '-pf'] });
    assert.equal(check('proc').state, 'degraded');
    assert.match(check('proc').detail, /self is missing|shows this process as/);
  });

  test('goes on where there is none', async () => {
    const check = await doctor({ before: inMounts('mount -t tmpfs tmpfs /proc') });
    assert.equal(check('proc-net').state, 'missing');
    assert.equal(check('proc-fd').state, 'missing');
    assert.equal(check('diag').state, 'ok');
  });
});
