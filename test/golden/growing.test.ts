/** `read` of input that comes while it runs: standard input, FIFOs, files that are still being written. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { asNobody, nobodyMissing } from '../support/nobody.ts';
import { runPcapid } from '../support/run-pcapid.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-growing-'));
after(() => rmSync(folder, { recursive: true }));

const READ = ['dist/pcapid.cjs', 'read', '--format', 'ndjson'];
const CONNECTION = readFileSync('captures/connection.pcap');
const SPAWN = { env: { ...process.env, PCAPID_DB: '' } };

/** @returns what the program prints for what is piped into it by `command` */
function piped(command: string): string {
  return spawnSync('sh', ['-c', `${command} | node ${READ.join(' ')} -`], { ...SPAWN, encoding: 'utf8' }).stdout;
}

/** Starts the program; `line` resolves with what it prints while its input is open. */
function start(...words: readonly string[]) {
  const child = spawn(process.execPath, [...READ, ...words], { ...SPAWN, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => {
      out += text;
      if (out.includes('\n')) resolve(out);
    });
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const done = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  return { child, line, done };
}

describe('read -', () => {
  for (const [name, command] of [
    ['pcap', 'cat captures/connection.pcap'],
    ['gzip', 'cat captures/connection.pcap.gz'],
    ['lz4', 'cat captures/connection.pcap.lz4'],
    ['one octet after the other', 'dd if=captures/connection.pcap bs=1 2>/dev/null'],
  ] as const) {
    test(`read - prints the same flows of ${name} as of the file`, () => {
      assert.equal(piped(command), readFileSync('test/golden/connection.ndjson.out', 'utf8'));
    });
  }

  test('read - takes a file as its standard input', () => {
    const { stdout } = spawnSync('sh', ['-c', `node ${READ.join(' ')} - < captures/connection.pcap`], {
      ...SPAWN,
      encoding: 'utf8',
    });
    assert.equal(stdout, readFileSync('test/golden/connection.ndjson.out', 'utf8'));
  });

  test('read - shows a flow while its input is still open, and the whole of it when it ends', async () => {
    const { child, line, done } = start('-');
    child.stdin.write(CONNECTION.subarray(0, 24 + 70 * 2)); // two of six packets
    assert.equal(JSON.parse(await line).orig_packets, 1);
    child.stdin.end(CONNECTION.subarray(24 + 70 * 2));
    const { code, out, err } = await done;
    assert.equal(code, 0);
    assert.equal(JSON.parse(out.trim().split('\n').at(-1)!).orig_packets, 4);
    assert.match(err, /6 packets, 1 flow/);
  });

  test('read - says what it is when that is no capture', async () => {
    const { child, done } = start('-');
    child.stdin.end('hello, this is certainly no capture file');
    const { code, err } = await done;
    assert.equal(code, 2);
    assert.match(err, /standard input is not a capture file/);
  });

  test('read - of nothing says that it is empty', async () => {
    const { child, done } = start('-');
    child.stdin.end();
    const { code, err } = await done;
    assert.equal(code, 2);
    assert.match(err, /standard input is empty/);
  });
});

describe('read --follow', () => {
  test('read --follow goes on with the file until it is interrupted, then prints its summary', async () => {
    const path = join(folder, 'growing.pcap');
    writeFileSync(path, CONNECTION.subarray(0, 24 + 70 * 2 + 30)); // ends inside a record
    const { child, line, done } = start('--follow', path);
    assert.equal(JSON.parse(await line).orig_packets, 1);
    appendFileSync(path, CONNECTION.subarray(24 + 70 * 2 + 30));
    await new Promise<void>((resolve) => {
      child.stdout.on('data', () => resolve());
    });
    child.kill('SIGINT');
    const { code, out, err } = await done;
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out.trim().split('\n').at(-1)!).orig_packets, 4);
    assert.match(err, /^6 packets, 1 flow, [^\n]+\n$/, 'no damage');
  });
});

describe('read of several files', () => {
  const files = ['captures/connection.pcap', 'captures/sections.pcapng'];

  test('read adds up what is in all of them', async () => {
    const { out } = await runPcapid(['read', ...files, '--summary']);
    assert.match(out, /^9 packets, 3 flows, /);
  });

  test('read --db stores them as one capture, and none of them twice', async () => {
    const database = join(folder, 'several.db');
    const { code, err } = await runPcapid(['read', ...files, '--db', database]);
    assert.equal(code, 0, err);
    assert.match(err, /^9 packets/);
    for (const path of files) {
      const again = await runPcapid(['read', path, '--db', database]);
      assert.equal(again.code, 2);
      assert.match(again.err, /is stored in .+ already/);
    }
    assert.equal((await runPcapid(['read', 'captures/times.pcapng', '--db', database])).code, 0);
  });
});

describe('read of what is no capture', () => {
  const refused = async (path: string, what: RegExp): Promise<void> => {
    const { code, err } = await runPcapid(['read', path]);
    assert.equal(code, 2);
    assert.match(err, what);
    assert.equal(err.trimEnd().split('\n').length, 2, 'what, and what to do');
  };

  test('read names an absent file, a directory and an empty file', async () => {
    mkdirSync(join(folder, 'd'));
    writeFileSync(join(folder, 'empty'), '');
    await refused(join(folder, 'absent'), /absent: no such file/);
    await refused(join(folder, 'd'), /is a directory/);
    await refused(join(folder, 'empty'), /is empty/);
  });

  test('read names a device without octets, a program, a socket and a FIFO that was closed at once', async () => {
    const [socket, fifo] = [join(folder, 'socket'), join(folder, 'fifo')];
    const server = createServer().listen(socket);
    spawnSync('mkfifo', [fifo]);
    const writer = spawn('sh', ['-c', `: > ${fifo}`]);
    try {
      await refused('/dev/null', /\/dev\/null is empty/);
      await refused(process.execPath, /is not a capture file/);
      await refused(socket, /is a socket or a device that cannot be opened/);
      await refused(fifo, /fifo is empty/);
    } finally {
      server.close();
      writer.kill();
    }
  });

  test('read gives up on a gzip bomb, in bounded time and memory', async () => {
    const path = join(folder, 'bomb.pcap.gz');
    const header = gzipSync(CONNECTION);
    const zeros = gzipSync(Buffer.alloc(64 << 20)); // a record of 0 octets after the other
    writeFileSync(path, Buffer.concat([header, ...new Array<Buffer>(40).fill(zeros)]));
    const { code, out, err } = await runPcapid(['read', path, '--summary'], { deadlineMs: 120_000 });
    assert.equal(code, 0);
    assert.match(out, /; 1 file damaged\n$/);
    assert.match(err, /bomb\.pcap\.gz: more than 250 times its size came out of it, .+ \(octet \d+\); all before it was read\n$/);
  });

  test('read says that it may not', { skip: nobodyMissing() }, () => {
    const path = join(folder, 'secret');
    writeFileSync(path, CONNECTION);
    chmodSync(path, 0o600);
    const [file, ...args] = [...asNobody(), process.execPath, 'dist/pcapid.cjs', 'read', path];
    chmodSync(folder, 0o755);
    const { status, stderr } = spawnSync(file!, args, { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /no permission to read it/);
  });
});
