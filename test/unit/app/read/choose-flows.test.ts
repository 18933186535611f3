/** Filters in memory choose the flows that the same filters choose in the database. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chooseFlows, flowPredicate } from '../../../../src/app/read/choose-flows.ts';
import { parseFacts } from '../../../../src/app/read/fact-file.ts';
import { storeFiles } from '../../../../src/app/read/store-file.ts';
import { parseCidr, parseName } from '../../../../src/cli/filters.ts';
import type { FlowRecord } from '../../../../src/core/record.ts';
import { protocolNumber } from '../../../../src/core/tuple.ts';
import { InterfaceNumbers } from '../../../../src/pcap/interface-numbers.ts';
import { compileFlows } from '../../../../src/store/compile-query.ts';
import type { FlowFilter } from '../../../../src/store/conditions.ts';
import { Reader } from '../../../../src/store/reader.ts';
import { hostUser, recordsWithNames } from '../../../support/file-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-choose-'));
after(() => rmSync(folder, { recursive: true }));

/** Filters by everything that the records hold, and by what is near it. */
function filtersOf(records: readonly FlowRecord[]): FlowFilter[] {
  const values = (field: 'comm' | 'exe' | 'pid' | 'uid' | 'user' | 'unit' | 'container' | 'addr' | 'name') =>
    [...new Set(records.flatMap((record) => [record[`src_${field}`], record[`dst_${field}`]]))].filter(
      (value) => value !== null,
    );
  const texts = (field: Parameters<typeof values>[0]) => values(field).map(String);
  const times = records.flatMap(({ first_us, last_us }) => [Number(first_us), Number(last_us), Number(last_us) + 1]);
  const ports = [...new Set(records.flatMap(({ src_port, dst_port }) => [src_port, dst_port]))];
  const networks = texts('addr').flatMap((text) => [text, `${text}/${text.includes(':') ? 48 : 20}`]);
  return [
    {},
    ...[...texts('comm'), ...texts('exe'), ...texts('exe').map((exe) => exe.split('/').at(-1)!), '%', 'url'].map(
      (process) => ({ process }),
    ),
    ...values('pid').map((pid) => ({ pid: Number(pid) })),
    ...[...texts('uid'), ...texts('user'), 'nobody-there'].map((user) => ({ user })),
    ...texts('unit').flatMap((unit) => [{ unit }, { unit: unit.replace('.service', '') }]),
    ...texts('container').flatMap((container) => [{ container }, { container: container.slice(0, 5) }]),
    ...[...networks, '0.0.0.0/0', '::/0'].map((text) => ({ remote: parseCidr(text) })),
    ...texts('name').flatMap((text) => [
      { name: parseName(text) },
      ...[`.${text}`, `*.${text}`, `.${text.slice(text.indexOf('.') + 1)}`].map((name) => ({ name: parseName(name) })),
    ]),
    ...ports.filter((port) => port !== null).map((port) => ({ port: Number(port) })),
    ...[...new Set(records.map(({ protocol }) => protocolNumber(String(protocol))!))].map((protocol) => ({ protocol })),
    ...times.flatMap((us) => [{ sinceUs: us }, { untilUs: us }]),
  ];
}

/** Flows are told apart by tuple and beginning: the database numbers them by itself. */
const idOf = (record: Readonly<Record<string, unknown>>): string =>
  ['protocol', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'first_us'].map((field) => record[field]).join(' ');

for (const [name, facts, least] of [
  ['demo.pcap', 'captures/demo.facts.ndjson', 100],
  ['names.pcapng', undefined, 40],
  ['process-id.pcapng', undefined, 20],
  ['ptcpdump.pcapng', undefined, 20],
  ['sctp-udplite.pcap', undefined, 10],
] as const) {
  test(`filters choose the same flows of ${name} as in the database`, async () => {
    const input = join('captures', name);
    const database = join(folder, `${name}.db`);
    const options = {
      inputs: [{ path: input }],
      facts: facts === undefined ? [] : parseFacts(readFileSync(facts, 'utf8'), facts),
      stop: new AbortController().signal,
    };
    const stored = {
      ...options,
      userName: hostUser,
      database,
      command: '',
      version: '1',
      decap: false,
      follow: false,
    };
    await storeFiles({ ...stored, interfaces: new InterfaceNumbers() }, () => {});
    const reader = Reader.open(database);
    const records = await recordsWithNames(input, { facts: options.facts });
    const filters = filtersOf(records);
    const pairs = filters.slice(0, -1).map((one, i) => ({ ...one, ...filters[(i * 7 + 3) % filters.length] }));
    let chosenFlows = 0;
    for (const filter of [...filters, ...pairs]) {
      const rows = reader.all(compileFlows(filter, { by: 'first', direction: 'asc' }, null));
      const { serials } = chooseFlows(records, flowPredicate(filter));
      const chosen = serials.map((serial) => idOf(records[serial - 1]!));
      assert.deepEqual(chosen.sort(), rows.map(idOf).sort(), JSON.stringify(filter));
      chosenFlows += serials.length;
    }
    reader.close();
    assert.ok(filters.length >= least, `${filters.length} filters`);
    assert.ok(chosenFlows > records.length);
  });
}

test('what the chosen flows hold is added up', () => {
  const flow = { protocol: 'tcp', src_port: 1, dst_port: 2, orig_bytes: 70, orig_ip_bytes: 60, reply_bytes: 9 };
  const counts = { reply_ip_bytes: 8, orig_packets: 2, reply_packets: 1 };
  const records = [1, 2, 3].map((flow_id) => ({ ...flow, ...counts, flow_id, dst_port: flow_id })) as never;
  const chosen = chooseFlows(records, (record) => record.flow_id !== 2);
  assert.deepEqual(chosen, { serials: [1, 3], packets: 6, bytes: 158, ipBytes: 136 });
});
