/** `pcapid sockets` beside ss, lsof and netstat, over sockets of every kind in a namespace of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { type EveryKind, startEveryKind } from '../../support/every-kind.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { asNobody, nobodyMissing } from '../../support/nobody.ts';
import { type RunOptions, runPcapid } from '../../support/run-pcapid.ts';
import {
  asLsof,
  asNetstat,
  asSs,
  holdersOf,
  lsofLines,
  netstatLines,
  type SocketRow,
  ssLines,
  ssNetlinkLines,
} from '../../support/socket-tools.ts';

/** @returns why a tool cannot be run, or false */
function missing(): string | false {
  for (const tool of ['ss', 'lsof', 'netstat']) if (spawnSync(tool, ['-h']).error !== undefined) return `no ${tool}`;
  return netnsMissing();
}

async function list(args: readonly string[], options: RunOptions = {}): Promise<SocketRow[]> {
  const { code, out, err } = await runPcapid(['sockets', '--format', 'json', ...args], options);
  assert.equal(code, 0, err);
  return JSON.parse(out) as SocketRow[];
}

const isInternet = ({ family }: SocketRow): boolean => family === 'inet' || family === 'inet6';
const isKnownToSs = ({ protocol }: SocketRow): boolean => protocol !== 'udplite' && protocol !== 'icmp';
const sorted = (lines: Iterable<string>): string[] => [...lines].sort();

describe('pcapid sockets', { skip: missing() }, () => {
  const lab = new NetnsLab();
  let netns: Netns;
  let kinds: EveryKind;

  before(async () => {
    const other = lab.create();
    netns = lab.create();
    const [end] = lab.connect(netns, other);
    netns.exec('ip', 'address', 'add', 'fe80::77/64', 'dev', end.name, 'nodad');
    netns.exec('sh', '-c', 'echo 0 100 > /proc/sys/net/ipv4/ping_group_range');
    kinds = await startEveryKind(netns, end.name);
  });
  after(async () => {
    await kinds?.stop();
    lab.close();
  });

  test('names every socket of a known process with its pid, descriptor and cookie', async () => {
    const rows = await list([], { netns });
    for (const [name, { fd, inode, cookie }] of Object.entries(kinds.sockets)) {
      const row = rows.find((one) => one.inode === inode) ?? assert.fail(`${name} is not listed`);
      const shared = name === 'listen' || name === 'udp' ? [`${kinds.child}/${fd}`] : [];
      assert.deepEqual(holdersOf(row), sorted([`${kinds.pid}/${fd}`, ...shared]), name);
      assert.equal(row.holders, 1 + shared.length, name);
      assert.match(String(row.comm), /^python/, name);
      if (row.source === 'diag') assert.equal(row.cookie, cookie, name);
    }
    const protocols = new Set(rows.map(({ protocol }) => protocol));
    const expected = ['tcp', 'udp', 'raw', 'unix', 'packet', 'netlink'];
    if (!('udplite' in kinds.skipped)) expected.push('udplite');
    if (!('ping' in kinds.skipped)) expected.push('icmp');
    assert.deepEqual(sorted(protocols as Set<string>), sorted(expected));
  });

  test('lists the internet sockets that ss lists, with queues, inodes, cookies and processes', async () => {
    const rows = (await list(['--inet'], { netns })).filter(isKnownToSs);
    const truth = ssLines(netns.exec('ss', '-tuwnapeOH'));
    assert.deepEqual(sorted(rows.map(asSs)), sorted(truth));
    const states = new Set(rows.map(({ state }) => state));
    for (const state of ['LISTEN', 'ESTAB', 'CLOSE-WAIT', 'FIN-WAIT-2', 'TIME-WAIT', 'SYN-SENT', 'UNCONN']) {
      assert.ok(states.has(state), state);
    }
  });

  test('lists the unix, packet and netlink sockets that ss lists', async () => {
    const rows = await list([], { netns });
    const of = (family: string): string[] => sorted(rows.filter((row) => row.family === family).map(asSs));
    assert.deepEqual(of('unix'), sorted(ssLines(netns.exec('ss', '-xnapeOH'))));
    assert.deepEqual(of('packet'), sorted(ssLines(netns.exec('ss', '-0napeOH'))));
    // Each program lists its own netlink sockets, and their queues change while it does so.
    const steady = (line: string): boolean => !/ sock-diag /.test(line);
    const foreign = rows.filter((row) => row.family === 'netlink' && !String(row.comm).startsWith('node'));
    const netlink = ssNetlinkLines(netns.exec('ss', '-A', 'netlink', '-napeOH'));
    assert.deepEqual(sorted(foreign.map(asSs).filter(steady)), sorted(netlink.filter(steady)));
  });

  test('lists the descriptors that lsof lists, of all processes and of one', async () => {
    const fields = ['-F', 'pftPnTd'];
    const isKnown = ({ protocol }: SocketRow): boolean => protocol !== 'raw' && protocol !== 'icmp';
    const rows = (await list(['--inet'], { netns })).filter(isKnown);
    assert.deepEqual(sorted(rows.flatMap(asLsof)), sorted(lsofLines(netns.exec('lsof', '-nP', '-i', ...fields))));
    for (const pid of [kinds.pid, kinds.child]) {
      const own = (await list(['--inet', '-p', String(pid)], { netns })).filter(isKnown);
      const mine = own.flatMap(asLsof).filter((line) => line.startsWith(`${pid}/`));
      const truth = lsofLines(netns.exec('lsof', '-nP', '-i', '-a', '-p', String(pid), ...fields));
      assert.ok(truth.length > 0);
      assert.deepEqual(sorted(mine), sorted(truth));
    }
  });

  test('lists the sockets that netstat lists, udplite and raw among them', async () => {
    const rows = (await list(['--inet'], { netns })).filter(({ protocol }) => protocol !== 'icmp');
    const truth = netstatLines(netns.exec('netstat', '-tuUwapeenW'));
    assert.deepEqual(sorted(rows.map(asNetstat)), sorted(truth));
  });

  test('lists the same from outside by --netns, named, by pid and by path', async () => {
    const inside = sorted((await list(['--inet'], { netns })).map(asSs));
    for (const wanted of [netns.name, String(kinds.pid), netns.path]) {
      assert.deepEqual(sorted((await list(['--inet', '--netns', wanted])).map(asSs)), inside, wanted);
    }
    const numbers = new Set((await list(['--netns', netns.name])).map((row) => row.netns));
    assert.equal(numbers.size, 1);
  });

  test('lists the same internet sockets by /proc when there is no addon', async () => {
    const env = { PCAPID_ADDON: '/nonexistent' };
    // /proc/net has neither cookies nor bound interfaces, nor the backlog of listeners.
    const common = (row: SocketRow): string => {
      const { cookie: _, interface: __, source: ___, send_queue, ...rest } = row;
      return JSON.stringify({ ...rest, send_queue: row.state === 'LISTEN' ? null : send_queue });
    };
    const truth = sorted((await list(['--inet'], { netns })).map(common));
    assert.deepEqual(sorted((await list(['--inet'], { netns, env })).map(common)), truth);
    assert.deepEqual(sorted((await list(['--inet', '--netns', String(kinds.pid)], { env })).map(common)), truth);
    const families = new Set((await list([], { netns, env })).map(({ family }) => family));
    assert.deepEqual(sorted(families as Set<string>), ['inet', 'inet6', 'netlink', 'packet', 'unix']);
  });

  test('lists as nobody what root sees, but for the processes, and says so', { skip: nobodyMissing() }, async () => {
    const options = { netns, before: asNobody() };
    const { code, out, err } = await runPcapid(['sockets', '--inet', '--format', 'json'], options);
    const rows = JSON.parse(out) as SocketRow[];
    assert.equal(code, 0, err);
    const names = (row: SocketRow): string =>
      `${row.protocol} ${row.local_addr} ${row.local_port} ${row.inode} ${row.uid}`;
    assert.deepEqual(sorted(rows.map(names)), sorted((await list(['--inet'], { netns })).map(names)));
    const hidden = rows.filter(({ reason }) => reason === 'no-permission');
    assert.deepEqual(sorted(hidden.map(names)), sorted(rows.filter(({ inode }) => inode !== null).map(names)));
    assert.ok(rows.every(({ pid, holder_list }) => pid === null && holder_list === null));
    assert.match(err, new RegExp(`^pcapid: ${hidden.length} sockets: their processes may not be seen; root, or `));
    const nothing = await runPcapid(['sockets', '-p', String(kinds.pid)], options);
    assert.equal(nothing.code, 1);
    assert.match(nothing.err, /nothing matched\n.* may not be seen/);
  });

  test('filters by process, port, state and protocol, and exits 1 when nothing matches', async () => {
    const { local_port: port } = (await list(['--inet'], { netns })).find(
      ({ inode }) => inode === kinds.sockets.listen!.inode,
    )!;
    const atPort = await list(['--port', String(port)], { netns });
    assert.ok(atPort.length >= 5 && atPort.every((row) => row.local_port === port || row.remote_port === port));
    const listening = await list(['-l', '--proto', 'tcp', '--port', String(port)], { netns });
    assert.deepEqual(
      listening.map(({ inode }) => inode),
      [kinds.sockets.listen!.inode],
    );
    const child = await list(['-p', String(kinds.child)], { netns });
    assert.deepEqual(sorted(child.map(({ inode }) => String(inode))), [
      String(kinds.sockets.udp!.inode),
      String(kinds.sockets.listen!.inode),
    ]);
    for (const args of [
      ['--process', 'no-such-program'],
      ['--proto', 'sctp'],
      ['--port', '1'],
    ]) {
      const { code, out, err } = await runPcapid(['sockets', ...args], { netns });
      assert.deepEqual([code, out, err], [1, '', 'pcapid: nothing matched\n'], args.join(' '));
    }
    assert.equal((await runPcapid(['sockets', '--netns', 'no-such-netns'])).code, 2);
    assert.equal((await runPcapid(['sockets', '--all', '--inet'])).code, 2);
  });

  test('agrees on the host with what ss showed before and after', async () => {
    const ss = (): string[] =>
      ssLines(spawnSync('ss', ['-tuwxnapeOH'], { encoding: 'utf8', maxBuffer: 64 << 20 }).stdout);
    const earlier = new Set(ss());
    const rows = (await list([])).filter(({ family }) => family !== 'packet' && family !== 'netlink');
    const steady = ss().filter((line) => earlier.has(line));
    const lines = new Set(rows.filter(isKnownToSs).map(asSs));
    const lost = steady.filter((line) => !lines.has(line));
    assert.deepEqual(lost, []);
    assert.ok(rows.some(isInternet) || !steady.some((line) => !line.startsWith('unix')));
  });
});
