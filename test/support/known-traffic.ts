/** Connections and datagrams of every kind of ownership, and who owned them: what workload.py printed, as flows. */
import type { Netns } from './netns.ts';
import type { StoredHolder } from './stored-flows.ts';
import { startWorkload, type WorkloadSocket } from './workload.ts';

type Address = readonly [address: string, port: number];

/**
 * Who held one end. alone: `actor` and nobody else. shared: `others` as well, all the time, none was seen acting.
 * passing: `others` for a moment only (a server that forks), or as far as anybody can see (SO_REUSEPORT).
 */
export interface TrueOwner {
  readonly kind: 'alone' | 'shared' | 'passing';
  readonly actor: StoredHolder;
  readonly others: readonly StoredHolder[];
}

export interface TrueFlow {
  readonly scenario: string;
  readonly protocol: 'tcp' | 'udp';
  readonly src: Address;
  readonly dst: Address;
  readonly srcOwner: TrueOwner;
  readonly dstOwner: TrueOwner;
  readonly orig: TrueCount;
  readonly reply: TrueCount;
}

/** packets: null where only the kernel knows (TCP). */
export interface TrueCount {
  readonly packets: number | null;
  readonly payload: number; // octets
}

/** Where clients run, where servers run, and the servers' address by family. */
export interface Stage {
  readonly clients: Netns;
  readonly servers: Netns;
  readonly v4: string;
  readonly v6: string;
}

type Words = readonly (string | number)[];
const COUNT = 23;
const AT_A_TIME = 3; // starting fifty processes at once would keep the recorder from its work
const FAMILIES = ['4', '6', 'mapped'] as const;
const HOLD = ['--hold', '0.5'];

/** Runs everything, a few scenarios at a time. @returns what happened, once all sockets are closed */
export async function makeKnownTraffic(stage: Stage): Promise<readonly TrueFlow[]> {
  const wild = ['--wildcard'];
  const scenarios: (() => Promise<readonly TrueFlow[]>)[] = [
    ...FAMILIES.flatMap((family) => [
      () => tcp(stage, `tcp ${family}`, family, ['tcp-server', COUNT], ['tcp-clients', COUNT]),
      () => udp(stage, `udp ${family}`, family, ['udp-server', '--reply'], ['udp-datagrams', COUNT, '--reply']),
    ]),
    () => tcp(stage, 'tcp wildcard', '4', ['tcp-server', COUNT, ...wild], ['tcp-clients', COUNT]),
    () => tcp(stage, 'a process for each', '4', ['tcp-server', COUNT, '--fork'], ['tcp-clients', COUNT, '--fork']),
    () => tcp(stage, 'listener forked', '4', ['forked-listener', COUNT], ['tcp-clients', COUNT]),
    () => sharedConnection(stage, 'parent'),
    () => sharedConnection(stage, 'child'),
    () => udp(stage, 'udp wildcard 4', '4', ['udp-server', ...wild], ['udp-datagrams', COUNT]),
    () => udp(stage, 'udp wildcard 6', '6', ['udp-server', ...wild], ['udp-datagrams', COUNT]),
    () => udp(stage, 'udp sendto', '4', ['udp-server'], ['udp-datagrams', COUNT, '--unconnected']),
    () => reuseport(stage),
  ];
  const truth: TrueFlow[] = [];
  const work = async (): Promise<void> => {
    for (let next = scenarios.shift(); next !== undefined; next = scenarios.shift()) truth.push(...(await next()));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return truth;
}

async function tcp(stage: Stage, scenario: string, family: string, server: Words, client: Words) {
  const { clients, servers } = await run(stage, family, server, [...client, ...HOLD]);
  const accepted = servers.filter(({ role }) => role === 'server');
  const parent = servers.find(({ role }) => role === 'listener');
  return clients.map((socket): TrueFlow => {
    const [src, dst] = [plain(socket.local), plain(socket.remote!)];
    const peer = accepted.find(({ remote }) => `${plain(remote!)}` === `${src}`);
    if (peer === undefined) throw new Error(`${scenario}: nobody accepted ${src}`);
    const forks = server.includes('--fork') && parent !== undefined;
    return {
      ...{ scenario, protocol: 'tcp', src, dst },
      srcOwner: alone(socket),
      dstOwner: forks ? { kind: 'passing', actor: holder(peer), others: [holder(parent)] } : alone(peer),
      orig: { packets: null, payload: socket.sent_bytes },
      reply: { packets: null, payload: socket.received_bytes },
    };
  });
}

async function sharedConnection(stage: Stage, actor: 'parent' | 'child'): Promise<readonly TrueFlow[]> {
  const words = ['forked-holder', '--actor', actor, ...HOLD];
  const { clients, servers } = await run(stage, '4', ['tcp-server', 1], words);
  const acting = clients.find(({ role }) => role === 'actor')!;
  const peer = servers.find(({ role }) => role === 'server')!;
  const others = clients.filter(({ role }) => role === 'holder').map(holder);
  return [
    {
      ...{ scenario: `shared, ${actor} talks`, protocol: 'tcp', src: plain(acting.local), dst: plain(acting.remote!) },
      srcOwner: { kind: 'shared', actor: holder(acting), others },
      dstOwner: alone(peer),
      orig: { packets: null, payload: acting.sent_bytes },
      reply: { packets: null, payload: acting.received_bytes },
    },
  ];
}

async function udp(stage: Stage, scenario: string, family: string, server: Words, client: Words) {
  const { clients, servers, host, port } = await run(stage, family, server, [...client, ...HOLD]);
  const [receiver] = servers;
  return clients.map((socket) => datagrams(stage, scenario, socket, [host, port], alone(receiver!)));
}

async function reuseport(stage: Stage): Promise<readonly TrueFlow[]> {
  const { clients, servers, host, port } = await run(stage, '4', ['reuseport'], ['udp-datagrams', COUNT, ...HOLD]);
  const actor = servers.find(({ received_packets }) => received_packets === COUNT)!;
  const others = servers.filter((socket) => socket !== actor).map(holder);
  const owner: TrueOwner = { kind: 'passing', actor: holder(actor), others };
  return clients.map((socket) => datagrams(stage, 'SO_REUSEPORT', socket, [host, port], owner));
}

function datagrams(
  stage: Stage,
  scenario: string,
  socket: WorkloadSocket,
  dst: Address,
  dstOwner: TrueOwner,
): TrueFlow {
  const [address, port] = plain(socket.local);
  const src: Address = [address === '0.0.0.0' ? senderOf(stage) : address, port];
  return {
    ...{ scenario, protocol: 'udp', src, dst, srcOwner: alone(socket), dstOwner },
    orig: { packets: socket.sent_packets ?? 0, payload: socket.sent_bytes },
    reply: { packets: socket.received_packets ?? 0, payload: socket.received_bytes },
  };
}

/** The address that the kernel chooses on the way to the servers. */
function senderOf({ clients, v4 }: Stage): string {
  return / src (\S+)/.exec(clients.exec('ip', 'route', 'get', v4))![1]!;
}

async function run(stage: Stage, family: string, server: Words, client: Words) {
  const host = family === '6' ? stage.v6 : stage.v4;
  const where = ['--family', family, '--host', host];
  const serving = startWorkload([...server, ...where], stage.servers);
  const port = await serving.port();
  const clients = await startWorkload([...client, ...where, '--port', port], stage.clients).sockets();
  const endless = typeof server[1] !== 'number'; // no count: it stays until SIGTERM
  return { clients, servers: await (endless ? serving.stop() : serving.sockets()), host, port };
}

const holder = ({ pid, start_ticks }: WorkloadSocket): StoredHolder => ({ pid, startTicks: start_ticks });
const alone = (socket: WorkloadSocket): TrueOwner => ({ kind: 'alone', actor: holder(socket), others: [] });
const plain = ([address, port]: Address): Address => [address.replace(/^::ffff:(?=\d+\.)/, ''), port];
