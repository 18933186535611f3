/** The flat socket record of machine output: the same names in json, ndjson and csv. */
import type { Value } from './record.ts';

export const SOCKET_FIELDS = [
  'family', // inet, inet6, unix, packet, netlink
  'type', // stream, dgram, raw, seqpacket
  'protocol', // tcp, udp, udplite, icmp, icmp6, raw, sctp, unix, packet, netlink
  'subprotocol', // of raw: the IP protocol; of packet: the EtherType; of netlink: the family
  'state', // as ss(8) names it
  'local_addr',
  'local_port', // of icmp: the id
  'remote_addr',
  'remote_port',
  'interface', // the one it is bound to
  'path', // unix: path or @name
  'peer_inode', // unix: the other end
  'port_id', // netlink: address, 0 is the kernel
  'receive_queue', // octets; of a listener: connections waiting
  'send_queue', // octets; of a listener: backlog
  'uid',
  'user',
  'inode',
  'cookie',
  'netns', // inode of the namespace
  'pid', // of the first holder, by pid and descriptor
  'comm',
  'fd',
  'holders', // processes that hold it
  'holder_list', // all of them: comm(pid,fd) ...
  'reason', // why there is no process, where that is known: a token of REASONS
  'source', // diag, proc
] as const;
export type SocketField = (typeof SOCKET_FIELDS)[number];

/** What is absent is null, never 0 or "". */
export type SocketRecord = Readonly<Record<SocketField, Value>>;
