/** Captures with every link layer and every tunnel; captures/make-captures.mjs writes them. */
import { LinkType } from '../../src/core/packet.ts';
import type { FileCapture } from './file-captures.ts';
import { LINK_SAMPLES } from './link-layers.ts';
import { ethernet, ipv4, ipv6, type Network, pcapFile, udp } from './packets.ts';
import { enhancedPacket, interfaceBlock, pcapng, section, text } from './pcapng-file.ts';
import { TEREDO_SAMPLES, TUNNEL_SAMPLES } from './tunnels.ts';

const IF_NAME = 2; // option of an interface
const START_SEC = 1_767_225_600; // 2026-01-01T00:00:00Z
const STEP_US = 1_500; // between two packets
const [HERE, THERE] = ['192.0.2.10', '198.51.100.20'];
const [HERE6, THERE6] = ['2001:db8::10', '2001:db8:1::20'];

/** Datagrams from a port of their own, so that each sample is a flow, of both IP versions. */
const datagrams = (port: number): readonly Network[] => [
  ipv4({ src: HERE, dst: THERE }, udp({ src: port, dst: 20_000, payload: 20 })),
  ipv6({ src: HERE6, dst: THERE6 }, udp({ src: port, dst: 20_000, payload: 30 })),
];

/** The one has a file of its own; of the other tshark counts an octet less. */
const LEFT_OUT: readonly number[] = [LinkType.LinuxSll2, LinkType.PppWithDirection];

/** Link types without IP. */
const WITHOUT_IP: readonly (readonly [name: string, linkType: number])[] = [
  ['USB', 189],
  ['Bluetooth', 187],
  ['802.15.4', 195],
  ['nobody knows', 4711],
];

/** An interface for each link layer that tshark knows, called so, and some without IP. */
function linkLayers(): FileCapture {
  const samples = LINK_SAMPLES.filter(({ witness, linkType }) => witness === 'tshark' && !LEFT_OUT.includes(linkType));
  const without = WITHOUT_IP.map(([name, linkType]) => ({ name, linkType }));
  const interfaces = [...samples, ...without].map(({ name, linkType }) =>
    interfaceBlock({ linkType, options: [[IF_NAME, text(name)]] }),
  );
  const frames = samples.flatMap(({ frame }, id) =>
    datagrams(10_000 + id).map((inner) => ({ id, bytes: frame(inner) })),
  );
  const others = without.map((_, n) => ({ id: samples.length + n, bytes: new Uint8Array(64) }));
  const packets = [...frames, ...others].map(({ id, bytes }, n) =>
    enhancedPacket({ bytes, id, time: BigInt(START_SEC * 1e6 + n * STEP_US) }),
  );
  return { name: 'link-layers.pcapng', bytes: pcapng(section(), ...interfaces, ...packets) };
}

function classic(name: string, frames: readonly Uint8Array[]): FileCapture {
  const records = frames.map((bytes, n) => ({
    bytes,
    sec: START_SEC + Math.floor((n * STEP_US) / 1e6),
    fraction: (n * STEP_US) % 1e6,
  }));
  return { name, bytes: pcapFile(records, { linkType: LinkType.Ethernet }) };
}

/** Every tunnel with IPv4 and IPv6 inside; Teredo with IPv6 only. */
function tunnels(): FileCapture {
  const frames = [...TUNNEL_SAMPLES, ...TEREDO_SAMPLES].flatMap((sample, n) => {
    const [v4, v6] = datagrams(10_000 + n);
    return (TEREDO_SAMPLES.includes(sample) ? [v6!] : [v4!, v6!]).map((inner) => ethernet(sample.around(inner)));
  });
  return classic('tunnels.pcap', frames);
}

export const LAYER_CAPTURES: readonly FileCapture[] = [linkLayers(), tunnels()];
