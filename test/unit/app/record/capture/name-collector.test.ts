import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameCollector } from '../../../../../src/app/record/capture/name-collector.ts';
import { formatAddress } from '../../../../../src/core/address.ts';
import { createDecodedBatch } from '../../../../../src/core/decoded.ts';
import { NAME_SOURCES } from '../../../../../src/core/name.ts';
import { Decoder } from '../../../../../src/decode/decode-batch.ts';
import { FlowTable } from '../../../../../src/flow/flow-table.ts';
import { dnsMessage, plainHello, tcpWith, udpWith } from '../../../../support/named-packets.ts';
import {
  ethernet,
  ipv4,
  packetBatch,
  TcpFlag,
  type TestPacket,
  type Transport,
  tcp,
} from '../../../../support/packets.ts';

const [HERE, THERE] = ['10.0.0.1', '192.0.2.80'];
const out = (inner: Transport): TestPacket => ({ bytes: ethernet(ipv4({ src: HERE, dst: THERE }, inner)) });
const back = (inner: Transport): TestPacket => ({ bytes: ethernet(ipv4({ src: THERE, dst: HERE }, inner)) });
const addresses = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ name: 'a.example', type: 1, data: [192, 0, 2, n] }));
const answer = (count = 1): Transport =>
  udpWith(53, 5000, dnsMessage({ question: 'a.example', answers: addresses(count) }));

/** `dns a.example 192.0.2.0 flow 2 side 0`. */
function collect(packets: readonly TestPacket[], most = 100, dnsOctets = Infinity): { found: string[]; lost: number } {
  const table = new FlowTable();
  const names = new NameCollector(table, most, { quicPackets: 1, dnsOctets });
  const batch = packetBatch(packets);
  const decoded = createDecodedBatch(batch.capacity);
  new Decoder().decode(batch, decoded);
  table.add(batch, decoded, 0, Infinity);
  names.look(batch, decoded);
  assert.equal(names.count <= most, true);
  const { rows, texts } = names.take();
  assert.equal(names.take().texts.length, 0);
  const found = texts.map(
    (text, i) =>
      `${NAME_SOURCES[rows.source[i]!]} ${text} ${formatAddress(rows.address, i * 4)} flow ${rows.serial[i]} side ${rows.side[i]}`,
  );
  return { found, lost: names.lost };
}

test('NameCollector says in which flow a name came, and to which end of it', () => {
  const packets = [
    out(tcp({ src: 4000, dst: 443, flags: TcpFlag.Syn, seq: 0 })),
    out(udpWith(5000, 53, dnsMessage({ flags: 0x100, question: 'a.example' }))),
    back(answer()),
    out(tcpWith({ src: 4000, dst: 443, seq: 1 }, plainHello('tls.example'))),
  ];
  assert.deepEqual(collect(packets).found, [
    'dns a.example 192.0.2.0 flow 2 side 0',
    `sni tls.example ${THERE} flow 1 side 1`,
  ]);
  assert.deepEqual(collect([back(answer())]).found, ['dns a.example 192.0.2.0 flow 1 side 1'], 'of an answer alone');
});

test('NameCollector keeps so many names, and counts the others', () => {
  const { found, lost } = collect([back(answer(20)), back(answer(20))], 25);
  assert.deepEqual([found.length, lost], [25, 15]);
});

test('NameCollector reads so much of one second, and counts the packets that it left out', () => {
  const { length } = answer().bytes;
  const { found, lost } = collect(new Array<TestPacket>(5).fill(back(answer())), 100, 3 * (length - 8));
  assert.deepEqual([found.length, lost], [3, 2]);
});
