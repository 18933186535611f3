import { Protocol } from '../core/tuple.ts';

const DCCP = 33;
const HAS_PORTS: ReadonlySet<number> = new Set([Protocol.Tcp, Protocol.Udp, DCCP, Protocol.Sctp, Protocol.UdpLite]);

/** Port 0 of TCP and its like was really in the packet; elsewhere 0 means that there is none. */
export function portOrNull(protocol: number, port: number): number | null {
  return port !== 0 || HAS_PORTS.has(protocol) ? port : null;
}
