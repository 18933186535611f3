import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHostile } from '../../../src/core/text.ts';
import {
  darwinBlock,
  darwinOptions,
  infoBlock,
  processOption,
  type WrittenProcess,
} from '../../../src/pcap/written-processes.ts';
import { enhancedPacket, interfaceBlock, type Order, pcapng, section } from '../../support/pcapng-file.ts';
import { walkPcapng } from '../../support/walk.ts';

const CURL: WrittenProcess = {
  pid: 1234,
  comm: 'curl',
  exe: '/usr/bin/curl',
  argv: ['curl', 'https://example.com/'],
  parentPid: 7,
  uid: 1000,
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): string => Buffer.from(text).toString('hex');

test('infoBlock() is the block of Wireshark, whose entry is little-endian in every section', () => {
  const options =
    `02000400${ascii('curl')}03000d00${ascii('/usr/bin/curl')}000000` +
    `04001a00${ascii('curl\0https://example.com/\0')}0000` +
    '050004000700000006000400e803000000000000';
  const entry = `d2040000${options}`;
  assert.equal(entry.length / 2, 0x54);
  assert.equal(hex(infoBlock(CURL, true)), `ad0b00006c0000006e7f00000300000054000000${entry}6c000000`);
  assert.equal(hex(infoBlock(CURL, false)), `00000bad0000006c00007f6e0300000054000000${entry}0000006c`);
});

test('darwinBlock() and the options of packets are in the byte order of the section', () => {
  const named = { ...CURL, exe: null };
  assert.equal(hex(darwinBlock(named, true)), `010000801c000000d204000002000400${ascii('curl')}000000001c000000`);
  assert.equal(hex(darwinBlock(named, false)), `800000010000001c000004d200020004${ascii('curl')}000000000000001c`);
  assert.equal(hex(processOption(1234, true)), '08000800d204000000000000');
  assert.equal(hex(darwinOptions(1, undefined, false)), '8001000400000001');
  assert.equal(hex(darwinOptions(1, 0, true)), '01800400010000000380040000000000');
});

/** A written block in front of a packet that refers to it. */
function reread(written: Uint8Array, option: Uint8Array, order: Order) {
  const view = new DataView(option.buffer, option.byteOffset);
  const code = view.getUint16(0, order === 'little');
  const file = pcapng(
    section({ order }),
    interfaceBlock(),
    () => written,
    enhancedPacket({ bytes: Uint8Array.of(1), options: [[code, option.subarray(4)]] }),
  );
  return walkPcapng(file).walker.notes.processes[0];
}

test('processes of any name are read back as they were written', () => {
  const text = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => decodeHostile(bytes.map((octet) => octet || 1)));
  fc.assert(
    fc.property(
      text,
      text,
      fc.array(text, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (comm, exe, argv, isLittle) => {
        const order = isLittle ? 'little' : 'big';
        const process = { ...CURL, comm, exe, argv };
        const info = reread(infoBlock(process, isLittle), processOption(1234, isLittle), order)!;
        const { pid, parentPid, uid } = info;
        assert.deepEqual({ pid, comm: info.comm, exe: info.exe, argv: info.argv, parentPid, uid }, process);
        const darwin = reread(darwinBlock(process, isLittle), darwinOptions(0, undefined, isLittle), order)!;
        assert.deepEqual([darwin.pid, darwin.comm, darwin.exe], [1234, comm, exe]);
      },
    ),
  );
});

test('arguments that are longer than an option are cut between two of them', () => {
  const argv = Array.from({ length: 40 }, () => 'x'.repeat(2000));
  const info = reread(infoBlock({ ...CURL, argv }, true), processOption(1234, true), 'little')!;
  assert.equal(info.argv?.[0], argv[0]);
});
