/** Packets that hold names: DNS messages, ClientHellos that OpenSSL made, QUIC packets sealed as RFC 9001 says. */
import { createCipheriv, createHmac } from 'node:crypto';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { type Transport, tcp, udp } from './packets.ts';

type Bytes = Iterable<number>;
const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];
export const octetsOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

export function tcpWith(fields: Parameters<typeof tcp>[0], payload: Bytes): Transport {
  return { protocol: 6, bytes: [...tcp(fields).bytes, ...payload] };
}

export function udpWith(src: number, dst: number, payload: Bytes): Transport {
  const bytes = [...payload];
  const header = udp({ src, dst }).bytes.slice(0, 4);
  return { protocol: 17, bytes: [...header, ...u16(8 + bytes.length), 0, 0, ...bytes] };
}

/** Uncompressed. */
export function domainName(text: string): number[] {
  const labels = text === '' ? [] : text.split('.');
  return [...labels.flatMap((label) => [label.length, ...ascii(label)]), 0];
}

export interface DnsRecord {
  readonly name: string | readonly number[]; // octets where it is compressed
  readonly type: number; // A 1, CNAME 5, AAAA 28
  readonly data: Bytes;
  readonly class?: number;
}
interface DnsFields {
  readonly flags?: number;
  readonly question?: string | readonly number[];
  readonly answers?: readonly DnsRecord[];
  readonly additional?: readonly DnsRecord[];
}

export function dnsMessage({ flags = 0x8180, question, answers = [], additional = [] }: DnsFields): Uint8Array {
  const nameOf = (name: string | readonly number[]): readonly number[] =>
    typeof name === 'string' ? domainName(name) : name;
  const record = ({ name, type, data, class: kind = 1 }: DnsRecord): number[] => {
    const octets = [...data];
    return [...nameOf(name), ...u16(type), ...u16(kind), ...u32(60), ...u16(octets.length), ...octets];
  };
  const counts = [question === undefined ? 0 : 1, answers.length, 0, additional.length].flatMap(u16);
  const questions = question === undefined ? [] : [...nameOf(question), ...u16(1), ...u16(1)];
  return Uint8Array.from([
    0x12,
    0x34,
    ...u16(flags),
    ...counts,
    ...questions,
    ...[...answers, ...additional].flatMap(record),
  ]);
}

/** The first record that OpenSSL sends when it connects to `servername`. */
export async function clientHello(servername: string, options: object = {}): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(Uint8Array.from(chunk));
        done();
      },
    });
    const client = connect({ socket, servername, rejectUnauthorized: false, ...options });
    client.on('error', () => {});
  });
}

/** The smallest record that names a server: always the same octets, where OpenSSL's are random. */
export function plainHello(servername: string): Uint8Array {
  const name = ascii(servername);
  const list = [0, ...u16(name.length), ...name];
  const extensions = [...u16(0), ...u16(list.length + 2), ...u16(list.length), ...list];
  const suites = [0x13, 0x01];
  const body = [3, 3, ...new Array<number>(32).fill(7), 0, ...u16(suites.length), ...suites, 1, 0];
  const hello = [...body, ...u16(extensions.length), ...extensions];
  return Uint8Array.from([22, 3, 1, ...u16(hello.length + 4), 1, 0, ...u16(hello.length), ...hello]);
}

interface Sealing {
  readonly version?: 1 | 2;
  readonly connection?: Uint8Array;
  readonly number?: number;
}

/** A client's Initial packet with these frames, padded to 1,200 octets. */
export function sealInitial(
  frames: Bytes,
  { version = 1, connection = CONNECTION, number = 2 }: Sealing = {},
): Uint8Array {
  const [salt, label, first, word] =
    version === 1
      ? (['38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'quic', 0xc3, 1] as const)
      : (['0dede3def700a6db819381be6e269dcbf9bd2ed9', 'quicv2', 0xd3, 0x6b3343cf] as const);
  const ends = [...u32(word), connection.length, ...connection, 0, 0];
  const plain = Buffer.alloc(1200 - 1 - ends.length - 2 - 4 - 16);
  plain.set([...frames]);
  const header = Buffer.from([first, ...ends, ...u16(0x4000 | (4 + plain.length + 16)), ...u32(number)]);
  const initial = createHmac('sha256', octetsOf(salt)).update(connection).digest();
  const secret = expandLabel(initial, 'client in', 32);
  const nonce = expandLabel(secret, `${label} iv`, 12);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ number) >>> 0, 8);
  const cipher = createCipheriv('aes-128-gcm', expandLabel(secret, `${label} key`, 16), nonce);
  cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const mask = createCipheriv('aes-128-ecb', expandLabel(secret, `${label} hp`, 16), null).update(
    sealed.subarray(0, 16),
  );
  header[0]! ^= mask[0]! & 0x0f;
  for (let n = 0; n < 4; n++) header[header.length - 4 + n]! ^= mask[1 + n]!;
  return Uint8Array.from(Buffer.concat([header, sealed]));
}

export const CONNECTION = octetsOf('8394c8f03e515708'); // of the examples in RFC 9001 and RFC 9369

/** HKDF-Expand-Label of RFC 8446 section 7.1, for at most 32 octets. */
function expandLabel(secret: Uint8Array, label: string, octets: number): Buffer {
  const name = ascii(`tls13 ${label}`);
  const info = Buffer.from([...u16(octets), name.length, ...name, 0, 1]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, octets);
}

/** A frame of type CRYPTO. */
export function cryptoFrame(offset: number, data: Bytes): number[] {
  const octets = [...data];
  return [6, ...u16(0x4000 | offset), ...u16(0x4000 | octets.length), ...octets];
}
