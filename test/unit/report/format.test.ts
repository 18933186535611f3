import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLOW_RECORD_FIELDS } from '../../../src/core/record.ts';
import { formatEnd, type Row } from '../../../src/report/columns.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns, formatOwner, ownSide } from '../../../src/report/flow-columns.ts';
import { HOST_DEFAULT_COLUMNS, hostColumns } from '../../../src/report/host-columns.ts';
import { formatIso, formatLocal, formatShort, formatSpan, utcZone } from '../../../src/report/local-time.ts';
import { makeLook } from '../../../src/report/look.ts';
import { PROCESS_DEFAULT_COLUMNS, processColumns } from '../../../src/report/process-columns.ts';
import { formatShare, formatSize } from '../../../src/report/size.ts';
import { table } from '../../../src/report/table.ts';
import { TERMINAL_COLUMNS, USAGE_DEFAULT_COLUMNS, usageColumns } from '../../../src/report/usage-columns.ts';
import { NOON } from '../../support/ticks.ts';

const HOUR = 3_600_000_000;
const look = makeLook({ zone: utcZone, iso: false, si: false });

test('formatSize() uses IEC units with three digits', () => {
  const cases: readonly [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [10 * 1024, '10.0 KiB'],
    [150 * 1024, '150 KiB'],
    [1024 * 1024 - 1, '1.00 MiB'],
    [5 * 1024 ** 3, '5.00 GiB'],
  ];
  for (const [octets, text] of cases) assert.equal(formatSize(octets), text);
});

test('formatSize() is never wider than eight characters and within half a percent', () => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  fc.assert(
    fc.property(fc.maxSafeNat(), (octets) => {
      const text = formatSize(octets);
      assert.ok(text.length <= 8, text);
      const [number, unit] = text.split(' ');
      const back = Number(number) * 1024 ** units.indexOf(unit!);
      assert.ok(Math.abs(back - octets) <= octets * 0.00505, `${octets}: ${text}`);
    }),
  );
});

test('formatShare() never says none or all when it is not', () => {
  assert.deepEqual([0, 0.0001, 0.5, 0.9999, 1].map(formatShare), ['0.0 %', '<0.1 %', '50.0 %', '99.9 %', '100.0 %']);
});

test('formatLocal() and formatShort() print the time of the zone', () => {
  assert.equal(formatLocal(NOON, utcZone), '2026-11-21 13:00:00');
  assert.equal(
    formatShort(NOON + 11 * HOUR, () => HOUR),
    '11-22 01:00:00',
  );
});

test('formatSpan() chooses a unit', () => {
  const spans = [0, 250_000, 12_500_000, 185_000_000, 2 * HOUR + 180_000_000].map(formatSpan);
  assert.deepEqual(spans, ['0 ms', '250 ms', '12.5 s', '3m05s', '2h03m']);
});

test('formatEnd() puts brackets around IPv6 only with a port', () => {
  assert.equal(formatEnd('10.0.0.1', '80'), '10.0.0.1:80');
  assert.equal(formatEnd('::1', '80'), '[::1]:80');
  assert.equal(formatEnd('::1', null), '::1');
  assert.equal(formatEnd(null, '80'), '');
});

const record = (fields: Record<string, string | number>): Row => ({
  ...Object.fromEntries(FLOW_RECORD_FIELDS.map((field) => [field, null])),
  protocol: 'tcp',
  src_addr: '10.0.0.5',
  src_port: 40000,
  dst_addr: '2001:db8:1111:2222:3333:4444:5555:6666',
  dst_port: 65535,
  first_us: NOON,
  last_us: NOON,
  orig_packets: 1,
  orig_ip_bytes: 100,
  reply_packets: 2,
  reply_ip_bytes: 900,
  ...fields,
});

test('ownSide() looks from the named end, else from the end that is here', () => {
  assert.equal(ownSide(record({ dst_pid: 1, src_reason: 'no-socket' })), 'dst');
  assert.equal(ownSide(record({ src_reason: 'not-local', dst_reason: 'kernel' })), 'dst');
  assert.equal(ownSide(record({ src_reason: 'forwarded', dst_reason: 'forwarded' })), 'src');
});

test('formatOwner() says how sure it is, and why there is none', () => {
  const named = { src_pid: 7, src_comm: 'curl', src_confidence: 'exact' };
  assert.equal(formatOwner(record(named), 'src'), 'curl[7]');
  assert.equal(formatOwner(record({ ...named, src_confidence: 'likely' }), 'src'), 'curl[7]?');
  assert.equal(
    formatOwner(record({ src_reason: 'ambiguous', src_exe: '/usr/sbin/nginx', src_holders: 4 }), 'src'),
    'nginx (1 of 4)',
  );
  assert.equal(formatOwner(record({ src_reason: 'no-permission', src_user: 'bob' }), 'src'), '(no-permission) bob');
  assert.equal(formatOwner(record({}), 'src'), '(not looked up)');
});

test('formatSize() uses SI units when asked to', () => {
  const cases = [
    [999, '999 B'],
    [1000, '1.00 kB'],
    [999_600, '1.00 MB'],
    [12_345_678, '12.3 MB'],
  ] as const;
  for (const [octets, text] of cases) assert.equal(formatSize(octets, 'si'), text);
});

test('formatIso() has microseconds and says how far from UTC it is', () => {
  const us = NOON + 123_456;
  assert.equal(formatIso(us, utcZone), '2026-11-21T13:00:00.123456Z');
  assert.equal(
    formatIso(us, () => HOUR),
    '2026-11-21T14:00:00.123456+01:00',
  );
  assert.equal(
    formatIso(us, () => -3.5 * HOUR),
    '2026-11-21T09:30:00.123456-03:30',
  );
});

test('flow columns count sent and received from the end that is ours', () => {
  const columns = flowColumns(look);
  const cell = (name: string, row: Row) => columns.find((column) => column.name === name)!.cell(row);
  const server = record({ dst_pid: 1, dst_comm: 'nginx' });
  assert.deepEqual(
    ['tx', 'rx', 'bytes', 'way', 'local'].map((name) => cell(name, server)),
    ['900 B', '100 B', '1000 B', '<-', '[2001:db8:1111:2222:3333:4444:5555:6666]:65535'],
  );
  assert.equal(cell('tx', record({ src_pid: 1 })), '100 B');
});

test('default columns of every table fit 80 cells with the longest addresses and names', () => {
  const pick = (columns: ReturnType<typeof flowColumns>, names: readonly string[]) =>
    names.map((name) => columns.find((column) => column.name === name)!);
  const long = {
    ...record({ src_pid: 4194304, src_comm: 'fifteen-letters', dst_pid: 4194303, dst_comm: 'fifteen-letters' }),
    ...{
      comm: 'fifteen-letters',
      pid: 4194304,
      user: 'a-long-user-name-of-32-letters__',
      unit: 'a-very-long-unit-name@instance.service',
    },
    ...{
      parent_comm: 'fifteen-letters',
      parent_pid: 4194303,
      remote_addr: '2001:db8:1111:2222:3333:4444:5555:6666',
      name: 'a-long-name.of-a-host.example.org',
      processes: 'fifteen-letters, another, third',
      is_new: 1,
      seen_us: NOON,
      exit_us: NOON,
      flows: 123456,
      ip_bytes: 2 ** 40,
      tx_ip_bytes: 2 ** 40,
      rx_ip_bytes: 2 ** 40,
      packets: 12345678,
      share: 1,
      bar: '█'.repeat(8),
      trend: '█'.repeat(10),
    },
  };
  const tables = [
    pick(flowColumns(look), FLOW_DEFAULT_COLUMNS),
    pick(processColumns(look), PROCESS_DEFAULT_COLUMNS),
    pick(hostColumns(look), HOST_DEFAULT_COLUMNS),
    pick(usageColumns('process', utcZone), USAGE_DEFAULT_COLUMNS),
    pick(usageColumns('process', utcZone), TERMINAL_COLUMNS),
  ];
  for (const columns of tables) {
    for (const line of table([long], { columns, fields: [], width: 80, csvRaw: false })) {
      assert.ok(line.trimEnd().length <= 80, line);
    }
  }
});
