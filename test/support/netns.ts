/**
 * Network namespaces for live tests, ip-netns(8): names of their own, veth pairs without offloads, deleted at the end.
 * What a killed run left behind is deleted by the next one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const FOLDER = '/run/netns';
const NAME = /^pcapid-(\d+)-\d+$/; // the number is the pid of the test

export interface Netns {
  readonly name: string;
  readonly path: string; // a bind mount of /proc/PID/ns/net
  /** The words that run `words` inside; the pid stays that of the command. */
  command(...words: string[]): string[];
  /** Runs to the end and returns standard output; throws with standard error. */
  exec(...words: string[]): string;
}

export interface VethEnd {
  readonly netns: Netns;
  readonly name: string;
  readonly v4: string; // addresses without the prefix length
  readonly v6: string;
}

/** @returns why no namespace can be made here, or false: for the `skip` of a test */
export function netnsMissing(): string | false {
  for (const tool of ['ip', 'ethtool']) if (spawnSync(tool, ['--version']).error !== undefined) return `no ${tool}`;
  const name = `pcapid-${process.pid}-0`;
  const { status, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  spawnSync('ip', ['netns', 'delete', name]);
  return status === 0 ? false : `ip netns add: ${stderr.trim()}`;
}

/** Makes namespaces, and deletes them with all that is in them. */
export class NetnsLab {
  readonly #made: Netns[] = [];
  #pairs = 0;
  readonly #onExit = (): void => this.close();

  constructor() {
    if (existsSync(FOLDER)) for (const name of readdirSync(FOLDER)) if (isAbandoned(name)) deleteNetns(name);
    process.once('exit', this.#onExit); // also after an uncaught error
  }

  /** A namespace with lo up. */
  create(): Netns {
    const name = `pcapid-${process.pid}-${++lastNumber}`;
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    const netns: Netns = {
      name,
      path: `${FOLDER}/${name}`,
      command: (...words) => ['nsenter', `--net=/run/netns/${name}`, ...words], // `ip netns exec` hides the cgroups
      exec: (...words) => execFileSync('ip', ['netns', 'exec', name, ...words], { encoding: 'utf8', stdio: 'pipe' }),
    };
    this.#made.push(netns);
    netns.exec('ip', 'link', 'set', 'lo', 'up');
    return netns;
  }

  /** A veth pair between two namespaces: 10.77.N.1 and fd77:N::1 in `a`, .2 and ::2 in `b`. Ready when it returns. */
  connect(a: Netns, b: Netns): readonly [VethEnd, VethEnd] {
    const n = ++this.#pairs;
    const peer = ['peer', 'name', `veth${n}b`, 'netns', b.name];
    execFileSync('ip', ['link', 'add', `veth${n}a`, 'netns', a.name, 'type', 'veth', ...peer], { stdio: 'pipe' });
    const end = (netns: Netns, side: 'a' | 'b', host: number): VethEnd => {
      const veth: VethEnd = { netns, name: `veth${n}${side}`, v4: `10.77.${n}.${host}`, v6: `fd77:${n}::${host}` };
      configure(veth);
      return veth;
    };
    return [end(a, 'a', 1), end(b, 'b', 2)];
  }

  close(): void {
    process.off('exit', this.#onExit);
    for (const { name } of this.#made.splice(0)) deleteNetns(name);
  }
}

let lastNumber = 0;

/** Offloads off: packets are as on a wire, segments of the MTU with real checksums. */
function configure({ netns, name, v4, v6 }: VethEnd): void {
  const off = ['tso', 'gso', 'gro', 'tx', 'rx', 'sg'].flatMap((feature) => [feature, 'off']);
  netns.exec('ethtool', '-K', name, ...off);
  netns.exec('ip', 'address', 'add', `${v4}/24`, 'dev', name);
  netns.exec('ip', 'link', 'set', name, 'up');
  // nodad: without it the address cannot be used for a second or two.
  if (existsSync('/proc/net/if_inet6')) netns.exec('ip', 'address', 'add', `${v6}/64`, 'dev', name, 'nodad');
}

function isAbandoned(name: string): boolean {
  const pid = NAME.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function deleteNetns(name: string): void {
  spawnSync('ip', ['netns', 'delete', name]); // gone already: as wanted
}
