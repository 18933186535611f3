import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { COUNTERS, INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const TUPLE = 'tcp 10.0.0.5:43210 > 93.184.216.34:443';
const curl = processRow(1, { pid: 1234, comm: 'curl', exe: '/usr/bin/curl', argv: ['curl', "it's"], uid: 1000 });
const people = { programs: [curl.program], processes: [curl.row] };

test('write() stores a flow with its tuple, counters and times', () => {
  const one = tick({
    flows: [
      { serial: 1, tuple: TUPLE, lastUs: NOON + 5, orig: [3, 300, 258], reply: [2, 200, 172], end: 'idle', ifindex: 2 },
    ],
    interfaces: [{ netns: 0, ifindex: 2, name: 'eth0', packets: 5, bytes: 500 }],
  });
  withDatabase([one], (path) => {
    const [row] = rowsOf(path, 'SELECT * FROM flow_record');
    assert.equal(row?.src_addr, '10.0.0.5');
    assert.equal(row?.src_port, 43210);
    assert.equal(row?.dst_addr, '93.184.216.34');
    assert.equal(row?.dst_port, 443);
    assert.equal(row?.protocol, 'tcp');
    assert.equal(row?.interface, 'eth0');
    assert.equal(row?.host, 'testhost');
    assert.equal(row?.netns, INFO.netns);
    assert.deepEqual([row?.first_us, row?.last_us, row?.end_reason], [NOON, NOON + 5, 'idle']);
    assert.deepEqual([row?.orig_packets, row?.orig_bytes, row?.orig_ip_bytes], [3, 300, 258]);
    assert.deepEqual([row?.reply_packets, row?.reply_bytes, row?.reply_ip_bytes], [2, 200, 172]);
  });
});

test('write() replaces the counters of a flow by those of a later row, and keeps its tuple and first time', () => {
  const first = tick({ flows: [{ serial: 1, tuple: TUPLE, orig: [1, 74, 60] }] });
  const later = tick({
    flows: [{ serial: 1, tuple: TUPLE, isNew: false, lastUs: NOON + SECOND, orig: [9, 900, 800], end: 'end-of-flow' }],
  });
  withDatabase([first, later], (path) => {
    const rows = rowsOf(path, 'SELECT flow_id, orig_packets, first_us, last_us, end_reason, dst_port FROM flow_record');
    assert.deepEqual(rows, [
      { flow_id: 1, orig_packets: 9, first_us: NOON, last_us: NOON + SECOND, end_reason: 'end-of-flow', dst_port: 443 },
    ]);
  });
});

test('write() of the same tick twice changes nothing', () => {
  const one = tick({
    ...people,
    flows: [{ serial: 1, tuple: TUPLE, reply: [1, 2, 3] }],
    ends: [{ serial: 1, side: 'src', process: 1, program: 1, source: 'diag', match: 'five-tuple', holders: 1 }],
    sockets: [{ id: 1, tuple: TUPLE, process: 1 }],
    holders: [{ socket: 1, process: 1 }],
  });
  const count =
    'SELECT (SELECT count(*) FROM flow) f, (SELECT count(*) FROM process) p, (SELECT count(*) FROM socket) s';
  withDatabase([one, one], (path) => assert.deepEqual(rowsOf(path, count), [{ f: 1, p: 1, s: 1 }]));
});

test('write() inserts a flow whose first row never arrived', () => {
  const late = tick({ flows: [{ serial: 4, tuple: TUPLE, isNew: false, orig: [7, 700, 600] }] });
  withDatabase([late], (path) => {
    assert.deepEqual(rowsOf(path, 'SELECT id, orig_packets FROM flow'), [{ id: 4, orig_packets: 7 }]);
  });
});

test('write() names an end later, and a stronger answer replaces a weaker one', () => {
  const unnamed = tick({
    flows: [{ serial: 1, tuple: TUPLE }],
    ends: [{ serial: 1, side: 'src', reason: 'no-socket' }],
  });
  const named = tick({
    ...people,
    ends: [
      { serial: 1, side: 'src', process: 1, program: 1, source: 'diag', match: 'five-tuple', gapUs: 40, holders: 1 },
    ],
  });
  withDatabase([unnamed, named], (path) => {
    const [row] = rowsOf(path, 'SELECT * FROM flow_record');
    assert.equal(row?.src_comm, 'curl');
    assert.equal(row?.src_cmdline, "curl 'it'\\''s'");
    assert.equal(row?.src_reason, null);
    assert.equal(row?.src_confidence, 'likely');
    assert.equal(row?.src_gap_us, 40);
    assert.deepEqual([row?.dst_pid, row?.dst_reason, row?.dst_holders, row?.dst_gap_us], [null, null, null, null]);
  });
});

test('write() fills the program of an end from its process when the sender left it out', () => {
  const one = tick({
    ...people,
    flows: [{ serial: 1, tuple: TUPLE }],
    ends: [{ serial: 1, side: 'dst', process: 1, source: 'diag', match: 'bound', holders: 1 }],
  });
  withDatabase([one], (path) => {
    assert.deepEqual(
      rowsOf(path, 'SELECT dst_exe, dst_uid, (SELECT dst_program FROM flow) AS program FROM flow_record'),
      [{ dst_exe: '/usr/bin/curl', dst_uid: 1000, program: 1 }],
    );
  });
});

test('write() stores null for what is absent', () => {
  const one = tick({
    flows: [{ serial: 1, tuple: 'gre 10.0.0.1 > 10.0.0.2' }],
    sockets: [{ id: 1, tuple: 'udp 0.0.0.0:53 > 0.0.0.0' }],
  });
  withDatabase([one], (path) => {
    const [flow] = rowsOf(path, 'SELECT src_port, dst_port, ifindex, end_reason FROM flow');
    assert.deepEqual(flow, { src_port: null, dst_port: null, ifindex: null, end_reason: null });
    const [socket] = rowsOf(path, 'SELECT remote_address, remote_port, cookie, inode, uid, process FROM socket');
    assert.deepEqual(socket, {
      remote_address: null,
      remote_port: null,
      cookie: null,
      inode: null,
      uid: null,
      process: null,
    });
  });
});

test('write() keeps the echo id of a ping as the port of the end that asks', () => {
  withDatabase([tick({ flows: [{ serial: 1, tuple: 'icmp 10.0.0.1:77 > 10.0.0.2' }] })], (path) => {
    assert.deepEqual(rowsOf(path, 'SELECT src_port, dst_port FROM flow'), [{ src_port: 77, dst_port: null }]);
  });
});

test('write() stores each address once, however many flows and ticks use it', () => {
  const ticks = [1, 2, 3].map((serial) =>
    tick({ flows: [{ serial, tuple: `udp [2001:db8::1]:${serial} > [2001:db8::2]:53` }] }),
  );
  withDatabase(ticks, (path) => {
    assert.deepEqual(
      rowsOf(path, 'SELECT text, length(bytes) AS length FROM address ORDER BY text'),
      [1, 2].map((n) => ({ text: `2001:db8::${n}`, length: 16 })),
    );
  });
});

test('beginCapture() gives flows of a second capture ids of their own and reuses process and program rows', () => {
  withFolder((folder) => {
    const path = join(folder, 'two.db');
    for (const id of [1, 5]) {
      const { row, program } = processRow(id, { ...curl.row.process });
      const store = FlowStore.open(path, OPTIONS);
      store.beginCapture(INFO);
      store.write(
        tick({
          programs: [program],
          processes: [{ ...row, lastUs: NOON + id }],
          flows: [{ serial: 1, tuple: TUPLE }],
          ends: [{ serial: 1, side: 'src', process: id, program: id, source: 'diag', match: 'five-tuple', holders: 1 }],
        }),
      );
      store.endCapture(NOON);
      store.close();
    }
    assert.deepEqual(rowsOf(path, 'SELECT id, capture, src_process, src_program FROM flow'), [
      { id: 1, capture: 1, src_process: 1, src_program: 1 },
      { id: 2, capture: 2, src_process: 1, src_program: 1 },
    ]);
    assert.deepEqual(rowsOf(path, 'SELECT id, last_us FROM process'), [{ id: 1, last_us: NOON + 5 }]);
  });
});

test('beginCapture() does not mix the ids of two captures: each counts from 1', () => {
  withFolder((folder) => {
    const path = join(folder, 'two.db');
    const store = FlowStore.open(path, OPTIONS);
    for (const comm of ['first', 'second']) {
      const { row, program } = processRow(1, { pid: comm.length, comm, exe: `/${comm}` });
      store.beginCapture(INFO);
      store.write(
        tick({
          programs: [program],
          processes: [row],
          flows: [{ serial: 1, tuple: TUPLE }],
          ends: [
            { serial: 1, side: 'src', process: 1, program: 1, socket: 1, source: 'diag', match: 'bound', holders: 1 },
          ],
          sockets: [{ id: 1, tuple: TUPLE, process: 1 }],
        }),
      );
      store.endCapture(NOON);
    }
    store.close();
    const sql = `SELECT r.src_comm, g.exe, p.comm AS of_socket FROM flow_record r JOIN flow f ON f.id = r.flow_id
      JOIN program g ON g.id = f.src_program JOIN socket k ON k.id = f.src_socket JOIN process p ON p.id = k.process`;
    assert.deepEqual(rowsOf(path, `${sql} ORDER BY f.id`), [
      { src_comm: 'first', exe: '/first', of_socket: 'first' },
      { src_comm: 'second', exe: '/second', of_socket: 'second' },
    ]);
  });
});

test('write() keeps what was known of a process when a later row knows less', () => {
  const known = { ...curl.row, exitUs: null };
  const zombie = { ...known, process: { ...known.process, exe: null, argv: null }, lastUs: NOON - 9, exitUs: NOON + 3 };
  withDatabase([tick({ ...people }), tick({ processes: [zombie] })], (path) => {
    const [row] = rowsOf(path, 'SELECT exe, cmdline, first_us, last_us, exit_us FROM process');
    assert.deepEqual(row, {
      exe: '/usr/bin/curl',
      cmdline: "curl 'it'\\''s'",
      first_us: NOON,
      last_us: NOON,
      exit_us: NOON + 3,
    });
  });
});

test('write() stores the counters of the capture and of its interfaces', () => {
  const counters = { ...COUNTERS, packets: 10, notIpPackets: 2, kernelDrops: 1 };
  const one = tick({
    counters,
    interfaces: [{ netns: 0, ifindex: 1, name: 'lo', packets: 4, bytes: 40, kernelBytes: 50 }],
    clock: { bootUs: 5, offsetUs: 6 },
  });
  withDatabase([one, one], (path) => {
    const [row] = rowsOf(path, 'SELECT packets, not_ip_packets, kernel_drops, received, forced, ended_us FROM capture');
    assert.deepEqual(row, {
      packets: 10,
      not_ip_packets: 2,
      kernel_drops: 1,
      received: null,
      forced: 0,
      ended_us: NOON + SECOND,
    });
    assert.deepEqual(rowsOf(path, 'SELECT * FROM clock'), [{ boot: 1, boot_us: 5, offset_us: 6 }]);
    assert.deepEqual(rowsOf(path, 'SELECT * FROM capture_interface'), [
      { capture: 1, netns: 1, ifindex: 1, name: 'lo', packets: 4, bytes: 40, kernel_bytes: 50 },
    ]);
  });
});

test('write() stores both tuples of a translated flow, also when the other one becomes known later', () => {
  const tuple = 'tcp 172.17.0.2:1000 > 198.51.100.7:443';
  const nat = 'tcp 192.0.2.1:61000 > 198.51.100.7:443';
  const ticks = [
    tick({ flows: [{ serial: 1, tuple, netns: 4026532999 }] }),
    tick({
      flows: [
        { serial: 1, tuple, nat, isNew: false },
        { serial: 2, tuple: 'udp 10.0.0.1:1 > 10.0.0.2:2' },
      ],
    }),
  ];
  withDatabase(ticks, (path) => {
    const fields = 'netns, src_addr, nat_src_addr, nat_src_port, nat_dst_addr, nat_dst_port';
    assert.deepEqual(rowsOf(path, `SELECT ${fields} FROM flow_record ORDER BY flow_id`), [
      {
        netns: 4026532999,
        src_addr: '172.17.0.2',
        nat_src_addr: '192.0.2.1',
        nat_src_port: 61000,
        nat_dst_addr: '198.51.100.7',
        nat_dst_port: 443,
      },
      {
        netns: 4026531840,
        src_addr: '10.0.0.1',
        nat_src_addr: null,
        nat_src_port: null,
        nat_dst_addr: null,
        nat_dst_port: null,
      },
    ]);
  });
});

test('write() stores what namespaces and containers are called, and views show the name of a container', () => {
  const id = 'c0ffee'.padEnd(64, '0');
  const one = tick({
    namespaces: [{ inode: 4026531840, cookie: 3, name: 'blue' }],
    containers: [{ id, name: 'web' }],
    programs: [{ id: 1, exe: '/bin/x', unit: null, container: id, uid: 0 }],
    flows: [{ serial: 1, tuple: 'udp 10.0.0.1:1 > 10.0.0.2:2' }],
    ends: [{ serial: 1, side: 'src', program: 1, reason: 'ambiguous' }],
  });
  withDatabase([one, one], (path) => {
    assert.deepEqual(rowsOf(path, 'SELECT inode, cookie, name FROM netns'), [
      { inode: 4026531840, cookie: 3, name: 'blue' },
    ]);
    assert.deepEqual(rowsOf(path, 'SELECT src_container AS c FROM flow_record'), [{ c: 'web' }]);
    assert.deepEqual(rowsOf(path, "SELECT container AS c FROM endpoint WHERE side = 'src'"), [{ c: 'web' }]);
  });
});
