/** What the BPF programs tell of sockets that are shared, or in another namespace. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { KernelTold } from '../../support/kernel-told.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { waitFor } from '../../support/wait.ts';

const skip = realRootMissing() || netnsMissing();
const DEADLINE_MS = 5000;

after(killChildren);

/** A listener, a child that inherits it, and one that inherits it over exec. Prints its inode and all pids. */
const SHARE = `
import os, socket, subprocess, sys, time
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
print('ready', flush=True)
sys.stdin.readline()
forked = os.fork()
if forked == 0:
    time.sleep(60)
executed = subprocess.Popen(['sleep', '60'], pass_fds=[listener.fileno()]).pid
print(os.fstat(listener.fileno()).st_ino, os.getpid(), forked, executed, flush=True)
time.sleep(60)
`;

test('processes that inherit a socket are its holders within a second', { skip }, async () => {
  const child = startChild(['python3', '-c', SHARE], { keepInput: true });
  await waitFor(() => child.out().includes('ready'), DEADLINE_MS, 'a listener');
  const told = new KernelTold();
  child.say('fork\n');
  const words = await waitFor(() => /ready\n(\d.*)\n/.exec(child.out())?.[1], DEADLINE_MS, 'its children');
  const [inode, ...pids] = words.split(' ').map(Number) as [number, ...number[]];
  const allHold = async (): Promise<void> => {
    await waitFor(() => pids.every((pid) => told.holders.get(inode)?.has(pid)), DEADLINE_MS, 'three holders');
  };
  await told.until(allHold());
  told.close();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await child.done;
  assert.deepEqual([...told.holders.get(inode)!].sort(), [...pids].sort());
});

/** Sends itself a datagram. Prints pid and port. */
const ALONE = `
import os, socket
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(('127.0.0.1', 0))
a.sendto(b'x', a.getsockname())
a.recv(1)
print(os.getpid(), a.getsockname()[1], flush=True)
`;

test('a socket in another namespace is told with that namespace, and so is its process', { skip }, async () => {
  const lab = new NetnsLab();
  const netns = lab.create();
  const inode = statSync(netns.path).ino;
  const told = new KernelTold();
  const { out, err } = await told.until(startChild(netns.command('python3', '-c', ALONE)).done);
  told.close();
  lab.close();
  const [pid, port] = out.split(' ').map(Number);
  const sockets = told.sockets.filter(({ localPort, remotePort }) => localPort === port && remotePort === port);
  assert.ok(sockets.length > 0, err);
  for (const socket of sockets) assert.equal(socket.netns, inode);
  const [owner] = told.owners.get(sockets[0]!.cookie) ?? [];
  assert.equal(owner?.split(':')[0], String(pid));
  assert.equal(told.processes.get(owner!)?.netns, inode);
});
