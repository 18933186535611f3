/**
 * What a TCP connection carried, of struct tcp_info (include/uapi/linux/tcp.h), which the kernel only ever makes longer.
 *
 * Its counters are of sequence numbers where they are of what is confirmed or came, so the SYN and the FIN count as an
 * octet each; bytes_sent and bytes_retrans are of payload.
 */
import type { ClosedColumns } from '../core/socket.ts';
import { host32, host64 } from './byte-order.ts';

// octets from its begin
const BYTES_ACKED = 120; // u64
const BYTES_RECEIVED = 128; // u64
const DATA_SEGS_IN = 152; // u32
const BYTES_SENT = 200; // u64
const BYTES_RETRANS = 208; // u64
const LEAST_BYTES = 216; // that of Linux 4.19, the first with bytes_sent

/** Writes the totals of the tcp_info of `length` octets at `b[at]` into a row; nothing where an older kernel made it. */
export function putTotals(b: Uint8Array, at: number, length: number, out: ClosedColumns, row: number): void {
  if (length < LEAST_BYTES || at + LEAST_BYTES > b.length) return;
  const sent = Math.max(0, host64(b, at + BYTES_SENT) - host64(b, at + BYTES_RETRANS));
  out.hasTotals[row] = 1;
  out.sentBytes[row] = sent;
  out.ackedBytes[row] = Math.min(sent, host64(b, at + BYTES_ACKED));
  out.receivedBytes[row] = host32(b, at + DATA_SEGS_IN) === 0 ? 0 : host64(b, at + BYTES_RECEIVED);
}
