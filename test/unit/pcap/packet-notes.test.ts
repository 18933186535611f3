import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LinkType, PacketType } from '../../../src/core/packet.ts';
import type { NotedProcess } from '../../../src/pcap/noted-process.ts';
import { notePktap, PacketNotes } from '../../../src/pcap/packet-notes.ts';
import { packetBatch } from '../../support/packets.ts';
import {
  type Block,
  block,
  enhancedPacket,
  interfaceBlock,
  options,
  type PcapngOption,
  pcapng,
  section,
  text,
  words,
} from '../../support/pcapng-file.ts';
import { PROCESS_CAPTURES } from '../../support/process-captures.ts';
import { walkPcapng } from '../../support/walk.ts';

const captureNamed = (name: string): Uint8Array => PROCESS_CAPTURES.find((one) => one.name === name)!.bytes;

/** Row, pid and name of each packet that has a process. */
function notesOf(file: Uint8Array): (readonly [row: number, pid: number, comm: string | null])[] {
  const { rows, processes } = walkPcapng(file).walker.notes;
  return rows.map((row, n) => [row, processes[n]!.pid, processes[n]!.comm]);
}

const firstOf = (file: Uint8Array): NotedProcess | undefined => walkPcapng(file).walker.notes.processes[0];

/** One packet with `list`, after `blocks`. */
const file = (list: readonly PcapngOption[], ...blocks: readonly Block[]): Uint8Array =>
  pcapng(section(), interfaceBlock(), ...blocks, enhancedPacket({ bytes: Uint8Array.of(1), options: list }));

describe('PacketNotes', () => {
  test('PacketNotes takes of several processes with a pid the one that had begun last', () => {
    const [dig, curl] = ['dig', 'curl'];
    const expected = [
      [0, 1234, dig],
      [1, 1234, dig],
      [2, 1234, curl],
      [3, 1234, curl],
      [4, 99, null],
      [5, 99, null],
    ];
    assert.deepEqual(notesOf(captureNamed('process-id.pcapng')), expected);
    const first = firstOf(captureNamed('process-id.pcapng'));
    assert.deepEqual(
      [first?.exe, first?.argv, first?.uid, first?.parentPid],
      ['/usr/bin/dig', ['dig', 'example.net'], 0, 1],
    );
  });

  test("PacketNotes follows the index of Apple's process blocks", () => {
    const expected = [
      [0, 501, 'mDNSResponder'],
      [1, 501, 'mDNSResponder'],
      [2, 77, 'Safari'],
      [3, 77, 'Safari'],
    ];
    assert.deepEqual(notesOf(captureNamed('darwin.pcapng')), expected);
  });

  test('PacketNotes reads the comments of ptcpdump, the first value of each key', () => {
    assert.deepEqual(notesOf(captureNamed('ptcpdump.pcapng')), [
      [0, 4711, 'wget'],
      [1, 4711, 'wget'],
    ]);
    const { uid, parentPid, container, exe } = firstOf(captureNamed('ptcpdump.pcapng'))!;
    assert.deepEqual([uid, parentPid, container, exe], [1000, 4000, '0123456789ab', '/usr/bin/wget']);
  });

  test('PacketNotes reads the comments of rustnet, and which way the packet went', () => {
    const { batch, walker } = walkPcapng(captureNamed('rustnet.pcapng'));
    assert.deepEqual(
      walker.notes.processes.map(({ pid, comm }) => [pid, comm]),
      [
        [815, 'firefox'],
        [815, 'firefox'],
      ],
    );
    assert.deepEqual([...batch.pktType.subarray(0, 2)], [PacketType.Host, PacketType.Outgoing]);
  });

  test("PacketNotes joins Hone's connections with their processes", () => {
    assert.deepEqual(
      notesOf(captureNamed('hone.pcapng')).map(([row, pid]) => [row, pid]),
      [
        [0, 300],
        [1, 300],
        [2, 300],
        [3, 300],
      ],
    );
    const { exe, argv, uid } = firstOf(captureNamed('hone.pcapng'))!;
    assert.deepEqual([exe, argv, uid], ['/usr/bin/ssh', ['ssh', 'host'], 33]);
  });

  test('PacketNotes forgets processes of earlier sections', () => {
    const darwin: Block = block(0x80000001, (order) => [...words(order).u32(5), ...options(order, [[2, text('old')]])]);
    const indexed = enhancedPacket({ bytes: Uint8Array.of(1), options: [[0x8001, (w) => w.u32(0)]] });
    const two = pcapng(section(), darwin, interfaceBlock(), indexed, section(), interfaceBlock(), indexed);
    assert.deepEqual(notesOf(two), [[0, 5, 'old']]);
  });

  for (const [name, list] of [
    ['pid 0', [[8, [0, 0, 0, 0, 0, 0, 0, 0]]]],
    ['an option that is too short', [[8, [1, 0]]]],
    ['an index without block', [[0x8001, [9, 0, 0, 0]]]],
    ['a comment of a person', [[1, text('PID of the server?')]]],
    ['a comment with an impossible pid', [[1, text('PID: 99999999999')]]],
    ['a comment without pid', [[1, text('rustnet process=x')]]],
  ] as const) {
    test(`PacketNotes says nothing about a packet with ${name}`, () => assert.deepEqual(notesOf(file(list)), []));
  }

  test('PacketNotes takes broken blocks of processes for what they are', () => {
    const pid: PcapngOption = [8, (w) => [...w.u32(7), ...w.u32(7)]];
    for (const type of [0x80000001, 0x101, 0x102, 0xbad]) {
      for (let length = 0; length < 40; length += 4) {
        const broken = block(type, (order) => [...words(order).u32(32622), ...new Uint8Array(length).fill(3)]);
        assert.equal(notesOf(file([pid], broken)).length, 1);
      }
    }
  });

  test('PacketNotes makes hostile names harmless', () => {
    const darwin: Block = block(0x80000001, (order) => [
      ...words(order).u32(5),
      ...options(order, [[2, [0xff, 0x41, 0, 0x42]]]),
    ]);
    assert.equal(firstOf(file([[0x8001, [0, 0, 0, 0]]], darwin))?.comm, '\\xffA');
  });
});

describe('notePktap()', () => {
  test("notePktap() names whom Apple's header names, unless it is cut or nobody's", () => {
    const header = new Uint8Array(108);
    const view = new DataView(header.buffer);
    view.setUint32(36, 2, true);
    view.setInt32(52, 62, true);
    header.set(Buffer.from('apsd'), 56);
    const nobody = header.slice();
    new DataView(nobody.buffer).setInt32(52, -1, true);
    const linkType = LinkType.Pktap;
    const batch = packetBatch([
      { bytes: header, linkType },
      { bytes: nobody, linkType },
      { bytes: header.subarray(0, 70), linkType },
      { bytes: header },
    ]);
    const notes = new PacketNotes();
    notePktap(batch, notes);
    assert.deepEqual(
      notes.processes.map(({ pid, comm }) => [pid, comm]),
      [[62, 'apsd']],
    );
    assert.equal(batch.pktType[0], PacketType.Outgoing);
  });
});
