import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DiagSource, ProcNetSource } from '../../../../../src/app/record/observe/socket-source.ts';
import { createColumns } from '../../../../../src/core/columns.ts';
import { SOCKET_COLUMNS, SocketState } from '../../../../../src/core/socket.ts';
import { Protocol } from '../../../../../src/core/tuple.ts';
import { ProcFs } from '../../../../../src/linux/proc-fs.ts';
import { PROC_NET_FILES } from '../../../../../src/linux/proc-net.ts';
import { SockDiag } from '../../../../../src/linux/sock-diag.ts';
import { makeKey } from '../../../../support/facts.ts';
import { fakeTransport, message, readHex } from '../../../../support/netlink-fixtures.ts';
import { socketLines } from '../../../../support/sockets.ts';

const NLMSG_DONE = 3;
const EMPTY = message(NLMSG_DONE, [0, 0, 0, 0], 2);
// Octets of inet_diag_req_v2 behind a header of 16: family, protocol, ..., states.
const PROTOCOL_AT = 17;
const STATES_AT = 20;

/** A source whose requests are noted as `protocol/states`. */
function diagSource(pace?: 'slow' | 'alone') {
  const clock = { now: 1_000_000, tookUs: 0 };
  const nowUs = (): number => clock.now;
  const transport = fakeTransport(() => {
    clock.now += clock.tookUs;
    return [EMPTY];
  });
  const source = new DiagSource(new SockDiag(transport, nowUs), [Protocol.Tcp, Protocol.Udp], nowUs, pace);
  const out = createColumns(SOCKET_COLUMNS);
  const asked = (): string[] => {
    const wantsOwners = source.poll(out);
    assert.equal(wantsOwners, pace === 'alone');
    return transport.requests
      .splice(0)
      .map((request) => `${request[PROTOCOL_AT]}/${new DataView(request.buffer).getUint32(STATES_AT, true)}`);
  };
  return { clock, asked };
}

const LISTENERS = `${Protocol.Tcp}/${1 << SocketState.Listen}`;

describe('DiagSource', () => {
  test('asks for everything at first, of both families, then for listeners every 250 ms', () => {
    const { clock, asked } = diagSource();
    const all = [Protocol.Tcp, Protocol.Tcp, Protocol.Udp, Protocol.Udp].map((protocol) => `${protocol}/${0xfff}`);
    assert.deepEqual(asked(), all);
    clock.now += 249_999;
    assert.deepEqual(asked(), []);
    clock.now += 1;
    assert.deepEqual(asked(), [LISTENERS, LISTENERS]);
  });

  test('asks alone for everything once a second, and wants the owners at once', () => {
    const { clock, asked } = diagSource('alone');
    const all = asked();
    assert.equal(all.length, 4);
    clock.now += 999_999;
    assert.deepEqual(asked(), [LISTENERS, LISTENERS]);
    clock.now += 1;
    assert.deepEqual(asked(), all);
  });

  test('asks at the slow pace every five seconds for what is no TCP connection', () => {
    const { clock, asked } = diagSource('slow');
    const all = [LISTENERS, LISTENERS, `${Protocol.Udp}/${0xfff}`, `${Protocol.Udp}/${0xfff}`];
    assert.deepEqual(asked(), all);
    clock.now += 4_999_999;
    assert.deepEqual(asked(), []);
    clock.now += 1;
    assert.deepEqual(asked(), all);
  });

  test('asks for everything again after five seconds', () => {
    const { clock, asked } = diagSource();
    asked();
    clock.now += 4_999_999;
    assert.equal(asked().length, 2);
    clock.now += 1;
    assert.equal(asked().length, 4);
  });

  test('asks for everything less often when that takes long', () => {
    const { clock, asked } = diagSource();
    clock.tookUs = 50_000; // 200 ms in all: it may cost 2 % of the time
    const startedUs = clock.now;
    asked();
    clock.tookUs = 0;
    clock.now = startedUs + 9_999_999;
    assert.equal(asked().length, 2);
    clock.now += 1;
    assert.equal(asked().length, 4);
  });

  test('finds the socket of a tuple', () => {
    const transport = fakeTransport(() => readHex('diag-tcp4-find.hex'));
    const source = new DiagSource(new SockDiag(transport, () => 1), [Protocol.Tcp], () => 1);
    const out = createColumns(SOCKET_COLUMNS);
    assert.equal(source.find(makeKey(Protocol.Tcp, ['127.0.0.1', 40001], ['127.0.0.1', 7007]), out), true);
    assert.deepEqual(socketLines(out), ['tcp/4 ESTAB 127.0.0.1:40001 127.0.0.1:7007 34751 1000']);
    assert.equal(source.lost, 0);
  });
});

function procSource(proc: string, files = PROC_NET_FILES) {
  const clock = { now: 1_000_000 };
  const source = new ProcNetSource(
    new ProcFs(proc),
    proc.endsWith('basic') ? '14776/net' : 'net',
    files,
    () => clock.now,
  );
  const poll = (): number | undefined => {
    const out = createColumns(SOCKET_COLUMNS);
    return source.poll(out) ? out.count : undefined;
  };
  return { clock, source, poll };
}

const BASIC = 'test/fixtures/proc/basic';
const ICMP = PROC_NET_FILES.filter(({ ports }) => ports === 'icmp-id');
const tuple = (protocol: number) => makeKey(protocol, ['127.0.0.1', 777], ['127.0.0.1', 0]);

describe('ProcNetSource', () => {
  test('reads its files once a second and wants their owners', () => {
    const { clock, poll } = procSource(BASIC, ICMP);
    assert.equal(poll(), 2); // a line of icmp and one of icmp6
    clock.now += 999_999;
    assert.equal(poll(), undefined);
    clock.now += 1;
    assert.equal(poll(), 2);
  });

  test('cannot find a tuple, but reads again soon when a new flow may have a socket in its files', () => {
    const { clock, source, poll } = procSource(BASIC, ICMP);
    poll();
    assert.equal(source.find(tuple(Protocol.Icmp)), false);
    clock.now += 199_999;
    assert.equal(poll(), undefined);
    clock.now += 1;
    assert.equal(poll(), 2);
  });

  test('is not hurried by flows whose sockets are in no file of its own', () => {
    const { clock, source, poll } = procSource(BASIC, ICMP);
    poll();
    source.find(tuple(Protocol.Tcp));
    clock.now += 500_000;
    assert.equal(poll(), undefined);
  });

  test('counts bad lines and keeps the others', () => {
    const { source, poll } = procSource('test/fixtures/proc/broken');
    assert.ok(poll()! > 0);
    assert.ok(source.badLines > 0);
  });
});
