/** The key of a tuple that stands in a row of a database. */
import { UserError } from '../../core/errors.ts';
import { K_FIRST, K_META, K_PORTS, K_SECOND, packMeta, packPorts } from '../../core/tuple.ts';

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** @param ends addresses of 4 or 16 octets, both of the same length @throws UserError when they are none */
export function putKey(
  key: Int32Array,
  at: number,
  protocol: number,
  [first, second]: readonly [Uint8Array, Uint8Array],
  [firstPort, secondPort]: readonly [number, number],
): void {
  key[at + K_META] = packMeta(protocol, first.length === IPV4_BYTES ? 4 : 6, 0);
  key[at + K_PORTS] = packPorts(firstPort, secondPort);
  putAddress(key, at + K_FIRST, first);
  putAddress(key, at + K_SECOND, second);
}

/** IPv4 stands as ::ffff:a.b.c.d in keys. */
function putAddress(key: Int32Array, at: number, bytes: Uint8Array): void {
  if (bytes.length !== IPV4_BYTES && bytes.length !== IPV6_BYTES) {
    const hint = 'No recorder wrote it: choose another database.';
    throw new UserError('damaged-database', `an address in the database has ${bytes.length} octets`, hint);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === IPV4_BYTES) {
    key[at + 2] = 0xffff;
    key[at + 3] = view.getInt32(0);
  } else for (let w = 0; w < 4; w++) key[at + w] = view.getInt32(4 * w);
}
