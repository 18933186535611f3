/** What the system itself has to have: found by looking for the files and commands, installed by apt-get where allowed. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, say, sayFailure } from './run-step.mjs';

/** need: 'build' stops the set-up when missing, 'run' and 'test' only cost something. */
const NEEDS = [
  { package: 'g++', need: 'build', found: () => hasCommand('g++') },
  { package: 'make', need: 'build', found: () => hasCommand('make') },
  { package: 'python3', need: 'build', found: () => hasCommand('python3') },
  { package: 'libpcap0.8', need: 'run', found: hasLibpcap },
  { package: 'iproute2', need: 'test', found: () => hasCommand('ip') && hasCommand('ss') },
  { package: 'iputils-ping', need: 'test', found: () => hasCommand('ping') },
  { package: 'ethtool', need: 'test', found: () => hasCommand('ethtool') },
  { package: 'tcpdump', need: 'test', found: () => hasCommand('tcpdump') },
  { package: 'tshark', need: 'test', found: () => hasCommand('tshark') && hasCommand('capinfos') },
  { package: 'lsof', need: 'test', found: () => hasCommand('lsof') },
  { package: 'curl', need: 'test', found: () => hasCommand('curl') },
  { package: 'util-linux', need: 'test', found: () => hasCommand('unshare') && hasCommand('setpriv') },
  { package: 'libcap2-bin', need: 'test', found: () => hasCommand('capsh') && hasCommand('setcap') },
  { package: 'procps', need: 'test', found: () => hasCommand('ps') },
];

/**
 * @param wantedFor 'build', 'run', 'test'
 * @returns whether the set-up can go on
 */
export async function ensureSystemPackages(root, wantedFor) {
  const wanted = NEEDS.filter(({ need }) => wantedFor.includes(need));
  let missing = wanted.filter(({ found }) => !found());
  if (missing.length === 0) return true;
  if (mayUseApt()) {
    await aptInstall(names(missing), root);
    missing = missing.filter(({ found }) => !found());
  }
  return missing.length === 0 || explain(missing);
}

function mayUseApt() {
  return process.getuid() === 0 && process.env.PCAPID_NO_APT !== '1' && hasCommand('apt-get');
}

async function aptInstall(packages, root) {
  const options = { cwd: root, env: { DEBIAN_FRONTEND: 'noninteractive' } }; // tshark asks a question otherwise
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=120'];
  const update = () => runStep('apt-get update', 'apt-get', [...waitForLock, 'update'], options);
  const args = [...waitForLock, 'install', '-y', '--no-install-recommends', ...packages];
  const install = () => runStep(`apt-get install ${packages.join(' ')}`, 'apt-get', args, options);
  let updated = !hasPackageLists();
  if (updated) await update();
  let result = await install();
  if (!result.ok && !updated) {
    updated = true; // lists of long ago name versions that the mirror no longer has
    await update();
    result = await install();
  }
  if (!result.ok) sayFailure('apt-get install', result);
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(\.|$)/.test(name));
}

function explain(missing) {
  const stop = missing.some(({ need }) => need === 'build');
  const costs = {
    build: 'nothing can be compiled without it',
    run: 'live capture will not work; files and stored data will',
    test: 'tests that use it are skipped',
  };
  for (const { package: name, need } of missing) say(`${name} is missing: ${costs[need]}`);
  const sudo = process.getuid() === 0 ? '' : 'sudo ';
  if (hasCommand('apt-get')) say(`to install: ${sudo}apt-get install -y ${names(missing).join(' ')}`);
  else say(`install with the package manager of this system what Debian calls: ${names(missing).join(' ')}`);
  return !stop;
}

const names = (needs) => needs.map((need) => need.package);

/** Also in the folders of system commands, which are not in every user's PATH. */
function hasCommand(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders.some((folder) => folder !== '' && isExecutable(join(folder, name)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // an answer, not a failure
  }
}

function hasLibpcap() {
  const name = /libpcap\.so\.(1|0\.8)\b/;
  for (const ldconfig of ['/sbin/ldconfig', '/usr/sbin/ldconfig']) {
    const { stdout } = spawnSync(ldconfig, ['-p'], { encoding: 'utf8' });
    if (typeof stdout === 'string' && name.test(stdout)) return true;
  }
  const folders = ['/usr/lib', '/lib', '/usr/lib64', '/usr/local/lib']; // no ldconfig: musl
  return folders.some((folder) => existsSync(folder) && readdirSync(folder).some((file) => name.test(file)));
}
