/** What a database says otherwise than the workloads that made its flows. */
import type { TrueFlow, TrueOwner } from './known-traffic.ts';
import { readFlows, readHolders, readHoldersOnPort, type StoredEnd, type StoredFlow } from './stored-flows.ts';

const IP_UDP = { 4: 28, 6: 48 } as const; // octets of both headers

/**
 * Words for each true flow whose stored row says something else.
 *
 * @param here the ends of the recorder's own namespace, where nobody tells of another one
 */
export function deviations(
  database: string,
  truth: readonly TrueFlow[],
  here: 'both' | 'src' | 'dst',
): readonly string[] {
  const rows = new Map(readFlows(database).map((flow) => [keyOf(flow), flow]));
  const said = truth.flatMap((flow) => {
    const key = `${flow.protocol} ${flow.src.join(' ')} ${flow.dst.join(' ')}`;
    const stored = rows.get(key);
    if (stored === undefined) return [`${flow.scenario}: no flow ${key}`];
    const wrong = [...countDeviations(flow, stored)];
    for (const side of ['src', 'dst'] as const) {
      const { pid, reason } = stored[side];
      if (here === 'both' || here === side)
        wrong.push(...ownerDeviations(database, side, flow[`${side}Owner`], stored[side]));
      else if (pid !== null || reason !== 'not-local') wrong.push(`${side} is not local, not ${pid ?? reason}`);
    }
    return wrong.map((text) => `${flow.scenario}: ${key}: ${text}`);
  });
  const extra = rows.size - truth.length;
  return extra === 0 ? said : [...said, `${extra} flows that nobody made`];
}

function keyOf({ protocol, src, dst }: StoredFlow): string {
  return `${protocol} ${src.address} ${src.port} ${dst.address} ${dst.port}`;
}

function* countDeviations(flow: TrueFlow, stored: StoredFlow): Generator<string> {
  const header = flow.src[0].includes(':') ? IP_UDP[6] : IP_UDP[4];
  const sides = [
    ['orig', flow.orig, stored.origPackets, stored.origIpBytes],
    ['reply', flow.reply, stored.replyPackets, stored.replyIpBytes],
  ] as const;
  for (const [name, { packets, payload }, storedPackets, storedBytes] of sides) {
    if (packets === null) {
      if (storedBytes <= payload) yield `${name}: ${storedBytes} octets for ${payload} of payload`;
    } else {
      if (storedPackets !== packets) yield `${name}: ${storedPackets} packets, ${packets} were sent`;
      const octets = payload + packets * header;
      if (storedBytes !== octets) yield `${name}: ${storedBytes} octets, ${octets} were sent`;
    }
  }
}

function* ownerDeviations(database: string, side: string, owner: TrueOwner, end: StoredEnd): Generator<string> {
  const { actor, others, kind } = owner;
  const found = end.pid === null ? `${end.reason}` : `${end.pid} (${end.match})`;
  if (end.pid !== null) {
    if (end.pid !== actor.pid || end.startTicks !== actor.startTicks) yield `${side}: ${found} is not ${actor.pid}`;
    else if (kind === 'shared' && end.match !== 'cookie' && end.source !== 'history')
      yield `${side}: ${found} was named, although ${others.map((o) => o.pid)} held it too`;
    return;
  }
  if (kind === 'alone' || end.reason !== 'ambiguous') {
    yield `${side}: ${found} instead of ${actor.pid}`;
    return;
  }
  const all = [actor, ...others].sort((a, b) => a.pid - b.pid);
  // Several sockets on one port (SO_REUSEPORT): each has its own holder.
  const stored = end.socket === null ? readHoldersOnPort(database, end.port!) : readHolders(database, end.socket);
  if (JSON.stringify(stored) !== JSON.stringify(all)) {
    yield `${side}: holders ${stored.map((h) => h.pid)} instead of ${all.map((h) => h.pid)}`;
  }
}
