/** Up to when changes of sockets take effect. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { NONE } from './flow-entries.ts';
import { payloadOf } from './recent-data.ts';

/** A packet in work, or a time after which none that is older comes. One object serves again and again. */
export class Moment {
  us: Us = 0;
  direction = NONE; // of the packet; NONE: there is none
  fromSequence = 0; // of its first octet of TCP
  toSequence = 0; // behind its last one

  atTime(us: Us): this {
    this.us = us;
    this.direction = NONE;
    return this;
  }

  atPacket(us: Us, direction: number, batch: PacketBatch, decoded: DecodedBatch, i: number): this {
    this.us = us;
    this.direction = direction;
    this.fromSequence = decoded.tcpSeq[i]!;
    this.toSequence = this.fromSequence + payloadOf(batch, decoded, i);
    return this;
  }
}
