/** Fields of every row that tshark(1) shows of a capture: one run for all who ask about the same file. */
import { execFile } from 'node:child_process';

/** What the second opinions on pairs of addresses and on names look at. */
const FIELDS = [
  ...['frame.len', 'frame.protocols', 'frame.interface_id', 'sll.ifindex'],
  ...['ip.src', 'ip.dst', 'ip.len', 'ipv6.src', 'ipv6.dst', 'ipv6.plen'],
  ...['dns.flags.response', 'dns.qry.name', 'dns.resp.name', 'dns.a', 'dns.aaaa'],
  ...['http.host', 'tls.handshake.extensions_server_name'],
] as const;

/** By name of the field, the first where a packet has several; '' where it has none. */
export type FirstFields = Readonly<Record<string, string>>;

const asked = new Map<string, Promise<readonly FirstFields[]>>();

export function firstFields(path: string): Promise<readonly FirstFields[]> {
  const rows = asked.get(path) ?? tsharkRows(path, ['-E', 'occurrence=f'], FIELDS).then((all) => all.map(named));
  asked.set(path, rows);
  return rows;
}

const named = (cells: readonly string[]): FirstFields =>
  Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] ?? '']));

/** @returns a row a packet, a cell a field; of a cut file up to there */
export function tsharkRows(
  path: string,
  options: readonly string[],
  fields: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const words = ['-n', '-r', path, ...options, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  return new Promise((resolve) => {
    execFile('tshark', words, { encoding: 'utf8', maxBuffer: 64 << 20 }, (_, stdout) => {
      const lines = stdout.split('\n').slice(0, -1);
      resolve(lines.map((line) => line.split('\t')));
    });
  });
}
