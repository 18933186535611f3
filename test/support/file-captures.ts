/** Captures that show what file formats can do: one flow of DNS in many wrappings. captures/make-captures.mjs writes them. */
import { LinkType, PacketType } from '../../src/core/packet.ts';
import { ethernet, ipv4, type PcapRecord, pcapFile, sll2, TcpFlag, tcp, udp } from './packets.ts';
import {
  type Block,
  block,
  enhancedPacket,
  interfaceBlock,
  oldPacket,
  type PcapngOption,
  pcapng,
  section,
  simplePacket,
  text,
  words,
} from './pcapng-file.ts';

export interface FileCapture {
  readonly name: string; // of the file
  readonly bytes: Uint8Array;
}

const SEC = 1_767_225_600; // 2026-01-01T00:00:00Z
const [HERE, THERE, OTHER] = ['192.0.2.10', '198.51.100.20', '203.0.113.5'];

const question = (port: number): Uint8Array =>
  ethernet(ipv4({ src: HERE, dst: THERE }, udp({ src: port, dst: 53, payload: 40 })));
const answer = (port: number): Uint8Array =>
  ethernet(ipv4({ src: THERE, dst: HERE }, udp({ src: 53, dst: port, payload: 120 })));
const both = (port: number): readonly Uint8Array[] => [question(port), answer(port)];

const records = (frames: readonly Uint8Array[]): PcapRecord[] =>
  frames.map((bytes, i) => ({ bytes, sec: SEC + i, fraction: 250_000 }));

const micro = (): FileCapture => ({ name: 'big-endian.pcap', bytes: pcapFile(records(both(6000)), { order: 'big' }) });
const nano = (): FileCapture => ({ name: 'nano.pcap', bytes: pcapFile(records(both(5999)), { unit: 'nano' }) });

/** Kuznetzov's patch: a longer record header with interface and way. */
function modified(): FileCapture {
  const file = [...pcapFile([], { linkType: LinkType.Ethernet })];
  file.splice(0, 4, 0x34, 0xcd, 0xb2, 0xa1);
  const w = words('little');
  const parts = records(both(6001)).map(({ bytes, sec = 0, fraction = 0 }, i) => [
    ...[sec, fraction, bytes.length, bytes.length, 2].flatMap((n) => [...w.u32(n)]),
    ...[0x08, 0x00, i === 0 ? PacketType.Outgoing : PacketType.Host, 0, ...bytes],
  ]);
  return { name: 'modified.pcap', bytes: Uint8Array.from([...file, ...parts.flat()]) };
}

/** Version 2.2 had the two lengths of a record the other way round. */
function oldVersion(): FileCapture {
  const frames = both(6002).map((bytes) => ({ bytes, origLen: bytes.length + 100 }));
  const file = pcapFile(records(frames.map(({ bytes }) => bytes)));
  const view = new DataView(file.buffer);
  view.setUint16(6, 2, true);
  let at = 24;
  for (const { bytes, origLen } of frames) {
    view.setUint32(at + 8, origLen, true);
    view.setUint32(at + 12, bytes.length, true);
    at += 16 + bytes.length;
  }
  return { name: 'old-version.pcap', bytes: file };
}

/** Frames end with four octets of check sequence, which the upper bits of the link type announce. */
function fcs(): FileCapture {
  const frames = both(6003).map((bytes) => Uint8Array.from([...bytes, 1, 2, 3, 4]));
  return { name: 'fcs.pcap', bytes: pcapFile(records(frames), { linkType: 0x24000000 | LinkType.Ethernet }) };
}

const MICRO = BigInt(SEC) * 1_000_000n;
const [NAME, RESOLUTION, OFFSET] = [2, 9, 14];
const [COMMENT, FLAGS] = [1, 2];
const named = (name: string): PcapngOption => [NAME, text(name)];

/** Two sections of different byte order, of known and of unknown length; interfaces of different link types. */
function sections(): FileCapture {
  const [ask, reply] = both(6004) as [Uint8Array, Uint8Array];
  const cooked = sll2(9, PacketType.Host, ipv4({ src: OTHER, dst: HERE }, udp({ src: 53, dst: 6005, payload: 8 })));
  const first = [interfaceBlock({ options: [named('eth0')] }), enhancedPacket({ bytes: ask, time: MICRO })];
  const size = first.reduce((sum, one) => sum + one('little').length, 0);
  const bytes = pcapng(
    section({ length: BigInt(size) }),
    ...first,
    section({ order: 'big' }),
    interfaceBlock({ linkType: LinkType.LinuxSll2, options: [named('any')] }),
    interfaceBlock({ options: [named('eth0')] }),
    enhancedPacket({ bytes: reply, id: 1, time: MICRO + 20_000n }),
    enhancedPacket({ bytes: cooked, id: 0, time: MICRO + 30_000n }),
  );
  return { name: 'sections.pcapng', bytes };
}

/** The same moment, 2026-01-01T00:00:00.5Z, in six units of time and with an offset. */
function times(): FileCapture {
  const half = (unitsPerSecond: bigint, offset = 0n): bigint =>
    (BigInt(SEC) - offset) * unitsPerSecond + unitsPerSecond / 2n;
  const clocks: readonly (readonly [resolution: number, units: bigint, offset: bigint])[] = [
    [0, 1n, 0n],
    [3, 10n ** 3n, 0n],
    [6, 10n ** 6n, BigInt(SEC)],
    [9, 10n ** 9n, 0n],
    [0x80 | 10, 2n ** 10n, 0n],
    [0x80 | 30, 2n ** 30n, -3600n],
  ];
  const bytes = pcapng(
    section(),
    ...clocks.map(([resolution, , offset]) =>
      interfaceBlock({ options: [[RESOLUTION, [resolution]], ...(offset === 0n ? [] : [offsetOption(offset)])] }),
    ),
    ...clocks.map(([, units, offset], id) =>
      enhancedPacket({ bytes: question(6010 + id), id, time: half(units, offset) }),
    ),
  );
  return { name: 'times.pcapng', bytes };
}

const offsetOption = (seconds: bigint): PcapngOption => [OFFSET, (w) => w.u64(seconds)];

/** Every block there is, options that nobody knows, twice the same, without an end, and a length without padding. */
function blocks(): FileCapture {
  const [ask, reply] = both(6020) as [Uint8Array, Uint8Array];
  const odd = ethernet(ipv4({ src: HERE, dst: THERE }, udp({ src: 6021, dst: 53, payload: 3 })));
  const [NAMES, STATISTICS, SECRETS, UNKNOWN, CUSTOM] = [4, 5, 10, 0x7777, 0xbad];
  const w = words('little');
  const list: readonly Block[] = [
    interfaceBlock({ snaplen: 0, options: [named('eth0'), [COMMENT, text('first')], [COMMENT, text('second')]] }),
    block(NAMES, () => [...w.u16(1), ...w.u16(16), ...[198, 51, 100, 20], ...text('dns.example\0'), ...w.u32(0)]),
    block(UNKNOWN, () => text('whatever')),
    enhancedPacket({
      bytes: ask,
      time: MICRO,
      options: [
        [COMMENT, text('one')],
        [COMMENT, text('two')],
        [0x7001, [1, 2, 3]],
      ],
    }),
    block(CUSTOM, () => [...w.u32(99_999), ...text('somebody')]),
    block(SECRETS, () => [...text('KLST'), ...w.u32(4), ...text('CLIE')]),
    oldPacket({ bytes: reply, time: MICRO + 1_000n, options: [[FLAGS, (o) => o.u32(1)]] }, 7),
    enhancedPacket({ bytes: odd, time: MICRO + 3_000n }, 'unpadded'),
    simplePacket(odd), // of the same moment, as far as one can say
    block(STATISTICS, () => [...w.u32(0), ...w.u32(0), ...w.u32(0)]),
  ];
  return { name: 'blocks.pcapng', bytes: pcapng(section({ options: [[4, text('make-captures')]] }), ...list) };
}

/** A packet of an interface that was never described: what follows it cannot be trusted. */
function unknownInterface(): FileCapture {
  const [ask, reply] = both(6030) as [Uint8Array, Uint8Array];
  const packet = (bytes: Uint8Array, id: number): Block => enhancedPacket({ bytes, id, time: MICRO });
  const bytes = pcapng(section(), interfaceBlock(), packet(ask, 0), packet(reply, 3), packet(ask, 0));
  return { name: 'unknown-interface.pcapng', bytes };
}

/** A connection that ends while the file goes on: for pipes, and packed by other programs. */
function packed(): FileCapture {
  const { Syn, Ack, Fin } = TcpFlag;
  const out = (flags: number, seq: number) => ipv4({ src: HERE, dst: THERE }, tcp({ src: 6040, dst: 443, flags, seq }));
  const back = (flags: number, seq: number) =>
    ipv4({ src: THERE, dst: HERE }, tcp({ src: 443, dst: 6040, flags, seq }));
  const frames = [out(Syn, 1), back(Syn | Ack, 9), out(Ack, 2), out(Fin | Ack, 2), back(Fin | Ack, 10), out(Ack, 3)];
  return { name: 'connection.pcap', bytes: pcapFile(records(frames.map(ethernet))) };
}

export const FILE_CAPTURES: readonly FileCapture[] = [
  micro(),
  nano(),
  modified(),
  oldVersion(),
  fcs(),
  sections(),
  times(),
  blocks(),
  unknownInterface(),
  packed(),
];
