/** Socket rows as one line of text each, the way ss(8) shows them, so that expected values can be read. */
import { formatAddress, parseAddress } from '../../src/core/address.ts';
import { NO_UID, SOCKET_STATE_NAMES, type SocketColumns } from '../../src/core/socket.ts';
import {
  K_FIRST,
  K_META,
  K_PORTS,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyIpVersion,
  keyProtocol,
  keySecondPort,
  packMeta,
  packPorts,
  protocolName,
} from '../../src/core/tuple.ts';

/** protocol/version STATE local:port remote:port inode uid */
export function socketLine(sockets: SocketColumns, row: number): string {
  const at = row * KEY_WORDS;
  const { key } = sockets;
  const end = (to: number, port: number): string => `${formatAddress(key, at + to)}:${port}`;
  const uid = sockets.uid[row] === NO_UID ? '-' : sockets.uid[row];
  return [
    `${protocolName(keyProtocol(key, at))}/${keyIpVersion(key, at)}`,
    SOCKET_STATE_NAMES[sockets.state[row]!],
    end(K_FIRST, keyFirstPort(key, at)),
    end(K_SECOND, keySecondPort(key, at)),
    sockets.inode[row],
    uid,
  ].join(' ');
}

export function socketLines(sockets: SocketColumns): string[] {
  return Array.from({ length: sockets.count }, (_, row) => socketLine(sockets, row));
}

/** protocol/version first:port second:port */
export function keyText(key: Int32Array, at: number): string {
  const end = (to: number, port: number): string => `${formatAddress(key, at + to)}:${port}`;
  const protocol = `${protocolName(keyProtocol(key, at))}/${keyIpVersion(key, at)}`;
  return `${protocol} ${end(K_FIRST, keyFirstPort(key, at))} ${end(K_SECOND, keySecondPort(key, at))}`;
}

/** A key whose ip version is that of the local address. */
export function socketKey(
  protocol: number,
  local: string,
  localPort: number,
  remote: string,
  remotePort: number,
): Int32Array {
  const key = new Int32Array(KEY_WORDS);
  key[K_META] = packMeta(protocol, local.includes(':') ? 6 : 4, 0);
  key[K_PORTS] = packPorts(localPort, remotePort);
  key.set(parseAddress(local)!, K_FIRST);
  key.set(parseAddress(remote)!, K_SECOND);
  return key;
}
