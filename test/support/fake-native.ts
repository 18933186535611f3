/** The addon as far as netlink goes, answered by functions: what works and what the kernel refuses is up to the test. */
import type { Native } from '../../src/native/binding.ts';
import { fakeTransport, message } from './netlink-fixtures.ts';

const DONE = message(3, [0, 0, 0, 0]);

const PROGRAMS = ['sock_create', 'skb_egress', 'send_length', 'recv_length'];

export interface FakeKernel {
  /** 0 or -errno for opening a netlink socket. */
  readonly open?: (protocol: number, netnsPath: string) => number;
  /** 0 for an empty list, or -errno, for a dump request. */
  readonly dump?: (request: Uint8Array) => number;
  readonly more?: Partial<Native>;
}

export function fakeNative({ open = () => 0, dump = () => 0, more = {} }: FakeKernel): Native {
  const transport = fakeTransport((request) => {
    const result = dump(request);
    return [result === 0 ? DONE : result];
  });
  const native: Partial<Native> = {
    abiVersion: 2,
    netlinkOpen: (protocol, _groups, _bytes, netnsPath) => open(protocol, netnsPath) || 3,
    netlinkSend: (_fd, bytes, length) => transport.send(bytes, length),
    netlinkReceive: (_fd, into, timeoutMs) => transport.receive(into, timeoutMs),
    closeFd: () => 0,
    pcapVersion: () => 'libpcap version 1.10.0',
    pcapOpen: () => ({}) as ReturnType<Native['pcapOpen']>,
    pcapClose: () => undefined,
    bpfOpen: () => ({}) as ReturnType<Native['bpfOpen']>,
    bpfPrograms: () => PROGRAMS.map((name) => [name, '', 0, ''] as const),
    bpfClose: () => undefined,
    cgroupMount: () => -1,
    ...more,
  };
  return native as Native;
}
