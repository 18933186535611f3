/** `read ... -w FILE`: the packets of chosen flows, as they were. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';
import { rowsOf } from '../../support/database.ts';
import { ethernet, ipv4, udp } from '../../support/packets.ts';
import { block, enhancedPacket, interfaceBlock, pcapng, section, text, words } from '../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-chosen-'));
after(() => rmSync(folder, { recursive: true }));

async function read(...args: string[]) {
  const context = testContext();
  const code = await runProgram(['read', ...args], context);
  return { out: context.stdout(), err: context.stderr(), code: code ?? context.exitCode };
}

const DEMO = ['captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson'];

function tshark(path: string, filter: string): string {
  const fields = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'ip.id', 'tcp.seq_raw', 'data'];
  const args = ['-n', '-r', path, '-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

test('-w writes the packets of the chosen flows with their owners, and prints the flows', async () => {
  const output = join(folder, 'curl.pcapng');
  const { out, err, code } = await read(...DEMO, '--process', 'curl', '-w', output);
  assert.equal(code, 0);
  assert.equal(out.split('\n').length, 4, 'titles and two flows');
  assert.match(err, /of them chosen: 340 packets, 2 flows, .*\n340 packets written into .*curl\.pcapng\n/);
  const records = (await read(...DEMO, '--process', 'curl', '--format', 'ndjson')).out.split('\n').filter(Boolean);
  const ports = records.map((line) => `tcp.port == ${JSON.parse(line).src_port}`).join(' || ');
  const expected = tshark('captures/demo.pcap', ports);
  assert.equal(expected.split('\n').length, 341);
  assert.equal(tshark(output, 'frame'), expected);
  const again = await read(output);
  assert.deepEqual(again.out, (await read(...DEMO, '--process', 'curl')).out);
});

test('what is no packet stays, in every section', async () => {
  const frame = (port: number) => ethernet(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: port, dst: 53 })));
  const secrets = block(0xa, (order) => [...words(order).u32(0x544c534b), ...words(order).u32(4), ...text('keys')]);
  const names = block(4, (order) => [
    ...words(order).u16(1),
    ...words(order).u16(5),
    9,
    9,
    9,
    9,
    0x61,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const interfaces = ['eth0', 'eth1'].map((name) => interfaceBlock({ options: [[2, text(name)]] }));
  const packet = (port: number, id: number) =>
    enhancedPacket({ bytes: frame(port), id, options: [[1, text(`is ${port}`)]] });
  const input = join(folder, 'blocks.pcapng');
  const sections = (['little', 'big'] as const).flatMap((order) => [section({ order }), ...interfaces, secrets, names]);
  const bytes = pcapng(
    ...sections.slice(0, 5),
    packet(1, 0),
    packet(2, 1),
    ...sections.slice(5),
    packet(2, 0),
    packet(3, 1),
  );
  writeFileSync(input, bytes);
  const output = join(folder, 'chosen.pcapng');
  assert.equal((await read(input, '--port', '2', '-w', output)).code, 0);
  const written = readFileSync(output);
  const expected = pcapng(...sections.slice(0, 5), packet(2, 1), ...sections.slice(5), packet(2, 0));
  const body = (file: Uint8Array) => Buffer.from(file.subarray(28)).toString('hex');
  const heading = written.readUInt32LE(4) - 28;
  // The second section has room for options, of which there are none.
  const ended = body(expected).replace(/0000001c(1a2b3c4d00010000f{16})0000001c/, '00000020$10000000000000020');
  assert.equal(body(written.subarray(heading)), ended);
});

test('-w without a filter takes all packets of all inputs, and -w of nothing leaves nothing', async () => {
  const output = join(folder, 'all.pcapng');
  const { err } = await read(
    'captures/demo.pcap',
    'captures/text.pcap',
    'captures/icmp.pcap',
    '-w',
    output,
    '--summary',
  );
  assert.match(err, /^934 packets written into /m);
  assert.match(err, /text\.pcap is not a capture file; left out/);
  const none = join(folder, 'none.pcapng');
  const answer = await read(...DEMO, '--process', 'nobody', '-w', none);
  assert.equal(answer.code, 1);
  assert.match(answer.err, /nothing matched\n.*\n.*0 flows.*\npcapid: .*none\.pcapng was not written\n/);
  assert.ok(!existsSync(none));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('flags that contradict each other are refused before anything is read', async () => {
  const output = join(folder, 'x.pcapng');
  const demo = 'captures/demo.pcap';
  const cases: readonly (readonly [RegExp, ...string[]])[] = [
    [/--db stores a capture as a whole/, demo, '--db', 'x.db', '--port', '80'],
    [/--force could mean the file of -w or the database/, demo, '--db', 'x.db', '-w', output, '--force'],
    [/-w reads the file twice/, demo, '--follow', '-w', output],
    [/--force is about the file of -w/, demo, '--force'],
    [/standard input is no regular file/, '-', '-w', output],
    [/is what is read/, demo, '-w', demo, '--force'],
  ];
  for (const [message, ...args] of cases) {
    const { code, err, out } = await read(...args);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  }
  assert.ok(!existsSync(output));
});

test('--summary counts the chosen flows beside all, and says how to get owners', async () => {
  const { out, err } = await read('captures/demo.pcap', '--summary', '--user', 'root', '--format', 'ndjson');
  const { packets, flows, chosen_flows, chosen_packets } = JSON.parse(out);
  assert.deepEqual([packets, flows, chosen_flows, chosen_packets], [925, 15, 0, 0]);
  assert.match(err, /the input names no processes: add --owners DB/);
});

test('-w with --db stores the capture and writes it, and the database has the hashes of all files', async () => {
  const [output, database, alone] = ['both.pcapng', 'both.db', 'alone.pcapng'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const { err, code } = await read(...DEMO, '--db', database, '-w', output);
  assert.equal(code, 0);
  const [, printed] = /sha256 ([0-9a-f]{64}) {2}.*both\.pcapng\n/.exec(err)!;
  const noted = rowsOf(database, 'SELECT use, sha256, capture FROM provenance ORDER BY id');
  assert.deepEqual(
    noted.map(({ use, capture }) => [use, capture]),
    [
      ['input', 1],
      ['facts', null],
      ['output', null],
    ],
  );
  assert.equal(noted.at(-1)?.sha256, printed);
  assert.equal(printed, createHash('sha256').update(readFileSync(output)).digest('hex'));
  await read(...DEMO, '-w', alone);
  assert.equal(tshark(output, 'frame'), tshark(alone, 'frame'));
  assert.deepEqual((await read(output)).out, (await read(alone)).out, 'the same owners');
});
