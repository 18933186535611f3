/**
 * Records demo.pcap and demo.facts.ndjson: a small host with known programs, and a neighbour to talk to.
 * `node captures/make-demo.mjs` as root, with ip, tcpdump, curl, ping and python3. Everything happens in two network
 * namespaces of its own, the host's programs also in a pid namespace, so nothing of the real host can be in the files.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../src/bundle.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const root = dirname(folder);
const HOST = `pcapid-demo-${process.pid}-host`;
const NEIGHBOUR = `pcapid-demo-${process.pid}-near`;
const FILES = ['demo.pcap', 'demo.facts.ndjson'];

const run = (...words) => execFileSync(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
const inside = (netns, ...words) => run('ip', 'netns', 'exec', netns, ...words);

/** Addresses for documentation (RFC 5737, RFC 3849). Without offloads, so that packets are as on a wire. */
function connectNamespaces() {
  for (const netns of [HOST, NEIGHBOUR]) {
    run('ip', 'netns', 'add', netns);
    inside(netns, 'ip', 'link', 'set', 'lo', 'up');
    // Small buffers: else a server has handed its answer to the kernel and closed before the client has read much.
    for (const name of ['rmem', 'wmem']) inside(netns, 'sysctl', '-q', `net.ipv4.tcp_${name}=4096 16384 32768`);
  }
  run('ip', 'link', 'add', 'eth0', 'netns', HOST, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NEIGHBOUR);
  const off = ['tso', 'gso', 'gro', 'tx', 'rx', 'sg'].flatMap((feature) => [feature, 'off']);
  for (const [netns, v4, route4, v6, route6] of [
    [HOST, '192.0.2.10/24', '198.51.100.0/24', '2001:db8::10/64', '2001:db8:1::/64'],
    [NEIGHBOUR, '198.51.100.20/24', '192.0.2.0/24', '2001:db8:1::20/64', '2001:db8::/64'],
  ]) {
    inside(netns, 'ethtool', '-K', 'eth0', ...off);
    inside(netns, 'ip', 'address', 'add', v4, 'dev', 'eth0');
    inside(netns, 'ip', 'address', 'add', v6, 'dev', 'eth0', 'nodad');
    inside(netns, 'ip', 'link', 'set', 'eth0', 'addrgenmode', 'none'); // else half of the flows are its discovery
    inside(netns, 'ip', 'link', 'set', 'eth0', 'up');
    inside(netns, 'ip', 'route', 'add', route4, 'dev', 'eth0');
    inside(netns, 'ip', '-6', 'route', 'add', route6, 'dev', 'eth0');
  }
}

/** What the programs run in: no path of this machine may get into a command line. */
async function makeStage() {
  const stage = mkdtempSync(join(tmpdir(), 'pcapid-demo-'));
  chmodSync(stage, 0o755); // the web server is nobody
  copyFileSync(join(folder, 'demo-programs.py'), join(stage, 'demo.py'));
  writeFileSync(join(stage, 'release.tar'), Buffer.alloc(300_000, 'demo'));
  writeFileSync(join(stage, 'index.html'), Buffer.alloc(60_000, 'page'));
  const { outExtension: _, sourcemap: __, ...options } = bundleOptions;
  await build({
    ...options,
    entryPoints: [join(root, 'test', 'support', 'observe.ts')],
    outfile: join(stage, 'observe.cjs'),
  });
  return stage;
}

/** `--kill-child`: when this program is ended, nothing stays behind. */
function recordPlay() {
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--cgroup'];
  const command = [...unshare, process.execPath, join(folder, 'demo-play.mjs'), NEIGHBOUR];
  execFileSync('ip', ['netns', 'exec', HOST, ...command], {
    cwd: stage,
    stdio: 'inherit',
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      HOME: stage,
      PCAPID_ADDON: join(root, 'build', 'pcapid.node'),
    },
  });
}

const stage = await makeStage();
try {
  connectNamespaces();
  recordPlay();
  for (const name of FILES) {
    copyFileSync(join(stage, name), join(folder, `${name}.new`));
    chmodSync(join(folder, `${name}.new`), 0o644);
    renameSync(join(folder, `${name}.new`), join(folder, name));
    console.log(`${name}: ${statSync(join(folder, name)).size} octets`);
  }
} finally {
  for (const netns of [HOST, NEIGHBOUR]) run('ip', 'netns', 'delete', netns);
  rmSync(stage, { recursive: true });
}
