/** A capture with every kind of name in it; its writer named the process behind packets that left. */
import type { FileCapture } from './file-captures.ts';
import {
  ascii,
  cryptoFrame,
  type DnsRecord,
  dnsMessage,
  domainName,
  octetsOf,
  plainHello,
  sealInitial,
  tcpWith,
  udpWith,
} from './named-packets.ts';
import { ethernet, ipv4, ipv6, type Network, TcpFlag, type Transport, tcp, udp } from './packets.ts';
import { type Block, enhancedPacket, interfaceBlock, type PcapngOption, pcapng, section } from './pcapng-file.ts';

const MICRO = 1_767_225_600_000_000n; // 2026-01-01T00:00:00Z
const STEP_US = 10_000n; // between two packets
const SERVER = '198.51.100.53'; // of names
const [HERE, THERE, HERE6, THERE6] = ['192.0.2.10', '198.51.100.20', '2001:db8::10', '2001:db8:1::20'];
const [RESOLVER, APP, BROWSER] = [53, 100, 200]; // process ids
const [A, CNAME, AAAA] = [1, 5, 28];
const { Syn, Ack } = TcpFlag;

interface Packet {
  readonly network: Network;
  readonly pid?: number; // of the sender
}

const out = (pid: number, inner: Transport, dst = THERE): Packet => ({ network: ipv4({ src: HERE, dst }, inner), pid });
const back = (inner: Transport): Packet => ({ network: ipv4({ src: SERVER, dst: HERE }, inner) });

/** A question and its answer. */
function asked(pid: number, port: number, question: string, ...answers: readonly DnsRecord[]): readonly Packet[] {
  return [
    out(pid, udpWith(port, 53, dnsMessage({ flags: 0x0100, question })), SERVER),
    back(udpWith(53, port, dnsMessage({ question, answers }))),
  ];
}

/** A SYN, and what comes first, in parts. */
function opened(pid: number, src: number, dst: number, ...parts: readonly Uint8Array[]): readonly Packet[] {
  let seq = 1001;
  const segments = parts.map((part) => {
    seq += part.length;
    return out(pid, tcpWith({ src, dst, flags: Ack, seq: seq - part.length }, part));
  });
  return [out(pid, tcp({ src, dst, flags: Syn, seq: 1000 })), ...segments];
}

function packets(): readonly Packet[] {
  const hello = plainHello('sni.example');
  const address = { name: 'edge.cdn.example', type: A, data: [198, 51, 100, 20] };
  const six = { name: 'six.example', type: AAAA, data: octetsOf('20010db8000100000000000000000020') };
  const overTcp = dnsMessage({ question: 'six.example', answers: [six] });
  const tv = dnsMessage({ flags: 0x8400, answers: [{ name: 'tv.local', type: A, data: [192, 0, 2, 9] }] });
  const printer = dnsMessage({ question: 'printer', answers: [{ name: 'printer', type: A, data: [192, 0, 2, 8] }] });
  const initial = (port: number, name: string, version: 1 | 2): Packet =>
    out(BROWSER, udpWith(port, 443, sealInitial(cryptoFrame(0, plainHello(name).subarray(5)), { version })));
  return [
    // The resolver asks for the app; an alias leads to the address.
    ...asked(
      RESOLVER,
      6001,
      'Shop.Example',
      { name: 'shop.example', type: CNAME, data: domainName('edge.cdn.example') },
      address,
    ),
    ...opened(APP, 6002, 9000),
    // The browser asks for itself: from then on the address is called otherwise by all others.
    ...asked(BROWSER, 6003, 'blog.example', { ...address, name: 'blog.example' }),
    ...opened(BROWSER, 6004, 9000),
    ...asked(RESOLVER, 6005, 'late.example', { ...address, name: 'late.example' }),
    ...opened(BROWSER, 6006, 9000),
    ...opened(APP, 6007, 9000),
    // What a flow says itself.
    ...opened(BROWSER, 6008, 443, hello.subarray(0, 60), hello.subarray(60)),
    ...opened(BROWSER, 6009, 80, ascii('GET / HTTP/1.1\r\nHost: web.example\r\n\r\n')),
    initial(6010, 'quic.example', 1),
    initial(6011, 'quic2.example', 2),
    // Over TCP, and from the neighbours.
    out(RESOLVER, tcp({ src: 6012, dst: 53, flags: Syn, seq: 1 }), SERVER),
    back(tcpWith({ src: 53, dst: 6012, flags: Ack, seq: 1 }, [0, overTcp.length, ...overTcp])),
    { network: ipv6({ src: HERE6, dst: THERE6 }, udp({ src: 6013, dst: 9000, payload: 10 })), pid: APP },
    { network: ipv4({ src: '192.0.2.9', dst: '224.0.0.251' }, udpWith(5353, 5353, tv)) },
    { network: ipv4({ src: HERE, dst: '192.0.2.9' }, udp({ src: 6014, dst: 9000, payload: 10 })), pid: APP },
    { network: ipv4({ src: '192.0.2.8', dst: HERE }, udpWith(5355, 6015, printer)) },
    { network: ipv4({ src: HERE, dst: '192.0.2.8' }, udp({ src: 6016, dst: 9000, payload: 10 })), pid: APP },
  ];
}

function recorded({ network, pid }: Packet, i: number): Block {
  const process: PcapngOption[] = pid === undefined ? [] : [[8, (w) => [...w.u32(pid), ...w.u32(0)]]];
  return enhancedPacket({ bytes: ethernet(network), time: MICRO + BigInt(i) * STEP_US, options: process });
}

export const NAME_CAPTURES: readonly FileCapture[] = [
  { name: 'names.pcapng', bytes: pcapng(section(), interfaceBlock(), ...packets().map(recorded)) },
];
