/** The names that tshark(1) finds in packets: the second opinion on src/names. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pcapFile, type TestPacket } from './packets.ts';

const FIELDS = [
  'frame.protocols',
  'dns.qry.name',
  'dns.flags.response',
  'http.host',
  'tls.handshake.extensions_server_name',
];

/** @returns `sni example.com` in order of packets: the question of each DNS answer, HTTP hosts, names in TLS and QUIC */
export function tsharkNames(packets: readonly TestPacket[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-tshark-'));
  try {
    const path = join(folder, 'names.pcap');
    writeFileSync(path, pcapFile(packets.map(({ bytes, timeUs = 0 }) => ({ bytes, fraction: timeUs }))));
    const wanted = FIELDS.flatMap((field) => ['-e', field]);
    const args = ['-n', '-r', path, '-T', 'fields', '-E', 'occurrence=f', ...wanted];
    const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n').slice(0, -1).flatMap(namesOf);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function namesOf(line: string): string[] {
  const [protocols = '', question, response, host, serverName] = line.split('\t');
  const found: string[] = [];
  if (question && response !== '0') found.push(`dns ${question}`);
  if (host) found.push(`http ${host}`);
  if (serverName) found.push(`${protocols.includes('quic') ? 'quic' : 'sni'} ${serverName}`);
  return found;
}
