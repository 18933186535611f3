/** The names that tshark(1) finds in packets: the second opinion on src/names. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pcapFile, type TestPacket } from './packets.ts';

const FIELDS = [
  'frame.protocols',
  'dns.flags.response',
  'dns.qry.name',
  'dns.resp.name',
  'dns.a',
  'dns.aaaa',
  'http.host',
  'tls.handshake.extensions_server_name',
];

/** @returns as tsharkNamesOf() does */
export function tsharkNames(packets: readonly TestPacket[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-tshark-'));
  try {
    const path = join(folder, 'names.pcap');
    writeFileSync(path, pcapFile(packets.map(({ bytes, timeUs = 0 }) => ({ bytes, fraction: timeUs }))));
    return tsharkNamesOf(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns `sni example.com` in order of packets: what was asked in answers with addresses, HTTP hosts, names in TLS and QUIC */
export function tsharkNamesOf(path: string): string[] {
  const wanted = FIELDS.flatMap((field) => ['-e', field]);
  const args = ['-n', '-r', path, '-T', 'fields', '-E', 'occurrence=f', ...wanted];
  const { stdout } = spawnSync('tshark', args, { encoding: 'utf8' }); // a cut file ends with 2
  return stdout.split('\n').slice(0, -1).flatMap(namesOf);
}

function namesOf(line: string): string[] {
  const [path = '', response, question, owner, v4, v6, host, serverName] = line.split('\t');
  const found: string[] = [];
  const name = question || owner;
  const isAnswer = (response === '1' || response === 'True') && (v4 || v6);
  if (name && isAnswer) found.push(`${/mdns|llmnr/.exec(path)?.[0] ?? 'dns'} ${name.toLowerCase()}`);
  if (host && !isAddress(host)) found.push(`http ${host}`);
  if (serverName) found.push(`${path.includes('quic') ? 'quic' : 'sni'} ${serverName}`);
  return found;
}

/** With a port, or cut by the snap length, too. */
const isAddress = (host: string): boolean => /^(\d+(\.\d+){3}|\[[0-9a-f:]*\]?)(:\d+)?$/.test(host);
