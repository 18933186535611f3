/** The state word of a flow. Directions are numbers here: 0 original, 1 reply. */

export const S_FIN = 1; // << direction: a FIN was seen
export const S_SYN = 4; // << direction: a SYN without ACK was seen, its sequence number is kept
export const S_OPEN = 16; // a packet without SYN was seen: the handshake is over, or began before the capture
export const S_ENDED = 32; // end-of-flow: lingers for late packets
export const S_PAUSED = 64; // ended by the active time-out: the next packet continues it under a new serial
export const S_SENT = 128; // a row of this serial was sent
export const S_TCP = 256;
export const S_ALIAS = 512; // no flow of its own: its packets count in another entry's, see aliases.ts
export const S_FOLLOWS = 2048; // the serial before ended because a socket changed: its packets may still be seen elsewhere
export const S_CLOSED = 4096; // S_PAUSED because a socket was closed: nobody may come any more
export const S_REFUSED = 1024; // a SYN was answered by a RST

const PKT_TYPE_SHIFT = 16; // PacketType of the first packet of the original direction, 8 bits

export function pktTypeOf(state: number): number {
  return (state >>> PKT_TYPE_SHIFT) & 0xff;
}

export function withPktType(state: number, pktType: number): number {
  return (state & ~(0xff << PKT_TYPE_SHIFT)) | (pktType << PKT_TYPE_SHIFT);
}
