/** The plugin in Debian's tshark, on a file that `pcapid annotate` could have written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodeHostile } from '../../../src/core/text.ts';
import { formatOwnerComment } from '../../../src/pcap/owner-comment.ts';
import { wiresharkPlugin } from '../../../src/report/wireshark-plugin.ts';
import { ethernet, ipv4, udp } from '../../support/packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section, text } from '../../support/pcapng-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-plugin-'));
after(() => rmSync(folder, { recursive: true }));
const plugin = join(folder, 'pcapid.lua');
writeFileSync(plugin, wiresharkPlugin('1.2.3'));

const PACKET = ethernet(ipv4({ src: '192.0.2.1', dst: '198.51.100.9' }, udp({ src: 40000, dst: 53 })));

/** Cells of those fields, a row for each packet that a display filter lets through. */
function tshark(comments: readonly string[], filter: string, fields: readonly string[]): readonly string[][] {
  const path = join(folder, 'named.pcapng');
  const options = (comment: string) => [[1, text(comment)] as const];
  const packets = comments.map((comment) => enhancedPacket({ bytes: PACKET, options: options(comment) }));
  writeFileSync(path, pcapng(section(), interfaceBlock(), ...packets));
  const words = ['-n', '-X', `lua_script:${plugin}`, '-r', path, '-Y', filter, '-T', 'fields', '-E', 'separator=|'];
  const out = execFileSync('tshark', [...words, ...fields.flatMap((field) => ['-e', field])], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('|'));
}

test('owners are fields to filter and to print', () => {
  const curl = { pid: 4711, comm: 'curl', exe: '/usr/bin/curl', cmdline: 'curl https://example.org/', uid: 1000 };
  const comments = [
    formatOwnerComment(1, curl, { reason: 'not-local' }),
    formatOwnerComment(2, { pid: 7, comm: 'ping' }, {}),
    'a comment of somebody else',
  ];
  const fields = ['frame.number', 'pcapid.flow', 'pcapid.src.pid', 'pcapid.src.cmdline', 'pcapid.dst.reason'];
  assert.deepEqual(tshark(comments, 'pcapid.src.comm == "curl" && pcapid.src.uid == 1000', fields), [
    ['1', '1', '4711', 'curl https://example.org/', 'not-local'],
  ]);
  assert.deepEqual(tshark(comments, 'pcapid', ['pcapid.src.pid']), [['4711'], ['7']]);
});

test('a hostile name makes no other fields', () => {
  const comm = decodeHostile(Buffer.from('a" src.pid=1 b'));
  const cmdline = decodeHostile(Buffer.from('x dst.pid=2 \\x22'));
  const comment = formatOwnerComment(1, { pid: 9, comm, cmdline }, { reason: 'kernel' });
  const [row] = tshark([comment], 'pcapid', [
    'pcapid.src.pid',
    'pcapid.dst.pid',
    'pcapid.src.comm',
    'pcapid.src.cmdline',
  ]);
  assert.deepEqual(row!.slice(0, 3), ['9', '', 'a" src.pid=1 b']);
  assert.match(row![3]!, /^x dst\.pid=2 \\+x22$/);
});
