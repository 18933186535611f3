/** The names that tshark(1) finds in packets: the second opinion on src/names. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pcapFile, type TestPacket } from './packets.ts';
import { type FirstFields, firstFields } from './tshark-fields.ts';

/** @returns as tsharkNamesOf() does */
export async function tsharkNames(packets: readonly TestPacket[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-tshark-'));
  try {
    const path = join(folder, 'names.pcap');
    writeFileSync(path, pcapFile(packets.map(({ bytes, timeUs = 0 }) => ({ bytes, fraction: timeUs }))));
    return await tsharkNamesOf(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns `sni example.com` in order of packets: what was asked in answers with addresses, HTTP hosts, names in TLS and QUIC */
export async function tsharkNamesOf(path: string): Promise<readonly string[]> {
  return (await firstFields(path)).flatMap(namesOf);
}

function namesOf(row: FirstFields): string[] {
  const path = row['frame.protocols'] ?? '';
  const response = row['dns.flags.response'];
  const [host, serverName] = [row['http.host'], row['tls.handshake.extensions_server_name']];
  const found: string[] = [];
  const name = row['dns.qry.name'] || row['dns.resp.name'];
  const isAnswer = (response === '1' || response === 'True') && (row['dns.a'] || row['dns.aaaa']);
  if (name && isAnswer) found.push(`${/mdns|llmnr/.exec(path)?.[0] ?? 'dns'} ${name.toLowerCase()}`);
  if (host && !isAddress(host)) found.push(`http ${host}`);
  if (serverName) found.push(`${path.includes('quic') ? 'quic' : 'sni'} ${serverName}`);
  return found;
}

/** With a port, or cut by the snap length, too. */
const isAddress = (host: string): boolean => /^(\d+(\.\d+){3}|\[[0-9a-f:]*\]?)(:\d+)?$/.test(host);
