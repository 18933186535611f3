/** Captures whose writers named the processes, each in the way of one program; byte layouts as src/pcap reads them. */
import { LinkType } from '../../src/core/packet.ts';
import type { FileCapture } from './file-captures.ts';
import { ethernet, ipv4, pcapFile, udp } from './packets.ts';
import {
  type Block,
  block,
  enhancedPacket,
  interfaceBlock,
  type Order,
  options,
  type PcapngOption,
  pcapng,
  section,
  text,
  words,
} from './pcapng-file.ts';

const MICRO = 1_767_225_600_000_000n; // 2026-01-01T00:00:00Z
const [HERE, THERE] = ['192.0.2.10', '198.51.100.20'];
const [COMMENT, FLAGS, PROCESS] = [1, 2, 8];
const [INBOUND, OUTBOUND] = [1, 2];

const question = (port: number): Uint8Array =>
  ethernet(ipv4({ src: HERE, dst: THERE }, udp({ src: port, dst: 53, payload: 40 })));
const answer = (port: number): Uint8Array =>
  ethernet(ipv4({ src: THERE, dst: HERE }, udp({ src: 53, dst: port, payload: 120 })));

const number = (code: number, n: number): PcapngOption => [code, (w) => w.u32(n)];
const way = (n: number): PcapngOption => number(FLAGS, n);

/** The question `atMs` after the beginning and its answer a millisecond later, both of the process in `list`. */
function exchange(port: number, atMs: number, ...list: readonly PcapngOption[]): readonly Block[] {
  const time = MICRO + BigInt(atMs) * 1000n;
  return [
    enhancedPacket({ bytes: question(port), time, options: [way(OUTBOUND), ...list] }),
    enhancedPacket({ bytes: answer(port), time: time + 1000n, options: [way(INBOUND), ...list] }),
  ];
}

/** Wireshark's Process Information Block inside a custom block; entries are little-endian in every section. */
function processInfo(pid: number, list: readonly PcapngOption[]): Block {
  const little = words('little');
  return block(0xbad, (order: Order) => {
    const entry = [...little.u32(pid), ...options('little', list)];
    return [...words(order).u32(32622), ...little.u32(3), ...little.u32(entry.length), ...entry];
  });
}

/** A pid that two processes had one after the other: the start time tells them apart. */
function processId(): FileCapture {
  const started = (us: bigint): PcapngOption => [9, (w) => w.u64(us * 1000n)];
  const [NAME, PATH, ARGUMENTS, PARENT, UID] = [2, 3, 4, 5, 6];
  const bytes = pcapng(
    section({ order: 'big' }),
    interfaceBlock(),
    processInfo(1234, [
      [NAME, text('dig')],
      [PATH, text('/usr/bin/dig')],
      [ARGUMENTS, text('dig\0example.net\0')],
      number(PARENT, 1),
      number(UID, 0),
      started(MICRO - 1_000_000n),
    ]),
    processInfo(1234, [[NAME, text('curl')], number(UID, 1000), started(MICRO + 500_000n)]),
    ...exchange(7001, 0, number(PROCESS, 1234), [PROCESS, (w) => [...w.u32(1234), ...w.u32(1234)]]),
    ...exchange(7002, 600, [PROCESS, (w) => [...w.u32(1234), ...w.u32(1235)]]),
    ...exchange(7003, 700, [PROCESS, (w) => [...w.u32(99), ...w.u32(0)]]),
    ...exchange(7004, 800),
  );
  return { name: 'process-id.pcapng', bytes };
}

/** Apple's tcpdump: process blocks, which packets name by index. */
function darwin(): FileCapture {
  const process = (pid: number, name: string): Block =>
    block(0x80000001, (order) => [...words(order).u32(pid), ...options(order, [[2, text(name)]])]);
  const [INDEX, EFFECTIVE] = [0x8001, 0x8003];
  const bytes = pcapng(
    section(),
    interfaceBlock(),
    process(501, 'mDNSResponder'),
    process(77, 'Safari'),
    ...exchange(7010, 0, number(INDEX, 0), number(EFFECTIVE, 1)),
    ...exchange(7011, 10, number(INDEX, 1)),
    ...exchange(7012, 20, number(INDEX, 9)), // no such block
  );
  return { name: 'darwin.pcapng', bytes };
}

function ptcpdump(): FileCapture {
  const comment = (value: string): PcapngOption => [COMMENT, text(value)];
  const told = [
    comment('PID: 4711\nCmd: /usr/bin/wget\nArgs: wget http://example.net/\nPID: 1'),
    comment('UserId: 1000'),
    comment('ParentPID: 4000\nParentCmd: /bin/bash\nParentArgs: bash'),
    comment('ContainerName: web\nContainerId: 0123456789ab\nContainerImage: debian'),
  ];
  const bytes = pcapng(
    section(),
    interfaceBlock(),
    ...exchange(7020, 0, ...told),
    ...exchange(7021, 10, comment('hello')),
  );
  return { name: 'ptcpdump.pcapng', bytes };
}

/** The comment says which way the packet went; there are no flags. */
function rustnet(): FileCapture {
  const comment = (direction: string): PcapngOption => [
    COMMENT,
    text(`rustnet process=firefox pid=815 ppid=1 uid=1000 attr=exact-tuple direction=${direction} app=DNS`),
  ];
  const bytes = pcapng(
    section(),
    interfaceBlock(),
    enhancedPacket({ bytes: answer(7030), time: MICRO, options: [comment('incoming')] }),
    enhancedPacket({ bytes: question(7030), time: MICRO + 1000n, options: [comment('outgoing')] }),
  );
  return { name: 'rustnet.pcapng', bytes };
}

/** Hone: events of processes and of connections; packets name a connection, or a process. */
function hone(): FileCapture {
  const stamp = (order: Order, us: bigint) => {
    const w = words(order);
    return [...w.u32(Number(us >> 32n)), ...w.u32(Number(us & 0xffffffffn))];
  };
  const process = (pid: number, list: readonly PcapngOption[]): Block =>
    block(0x101, (order) => [...words(order).u32(pid), ...stamp(order, MICRO - 5n), ...options(order, list)]);
  const connection = (id: number, pid: number): Block =>
    block(0x102, (order) => [...words(order).u32(id), ...words(order).u32(pid), ...stamp(order, MICRO)]);
  const [PATH, ARGUMENTS, PARENT, UID] = [3, 4, 5, 6];
  const [CONNECTION, PROCESS_ID] = [257, 258];
  const bytes = pcapng(
    section(),
    interfaceBlock(),
    process(300, [[PATH, text('/usr/bin/ssh')], [ARGUMENTS, text('ssh\0host\0')], number(PARENT, 1), number(UID, 33)]),
    connection(8, 300),
    ...exchange(7040, 0, number(CONNECTION, 8)),
    ...exchange(7041, 10, number(PROCESS_ID, 300)),
    ...exchange(7042, 20, number(CONNECTION, 9)), // not known
  );
  return { name: 'hone.pcapng', bytes };
}

/** Apple's header before each packet: what interface, which way, whose. */
function pktap(): FileCapture {
  const frame = (bytes: Uint8Array, flags: number, pid: number, name: string): Uint8Array => {
    const header = new Uint8Array(108);
    const view = new DataView(header.buffer);
    view.setUint32(0, header.length, true);
    view.setUint32(4, 1, true); // a packet follows
    view.setUint32(8, 1, true); // DLT_EN10MB
    header.set(Buffer.from('en0'), 12);
    view.setUint32(36, flags, true);
    view.setUint32(40, 2, true); // PF_INET
    view.setUint32(44, 14, true); // octets of the link header
    view.setInt32(52, pid, true);
    header.set(Buffer.from(name), 56);
    view.setInt32(84, -1, true); // no effective process
    return Uint8Array.from([...header, ...bytes]);
  };
  const [IN, OUT] = [1, 2];
  const records = [
    frame(question(7050), OUT, 62, 'apsd'),
    frame(answer(7050), IN, 62, 'apsd'),
    frame(question(7051), OUT, -1, ''),
  ].map((bytes, i) => ({ bytes, sec: 1_767_225_600, fraction: i * 1000 }));
  return { name: 'pktap.pcap', bytes: pcapFile(records, { linkType: LinkType.Pktap }) };
}

export const PROCESS_CAPTURES: readonly FileCapture[] = [processId(), darwin(), ptcpdump(), rustnet(), hone(), pktap()];
