/** The proc connector of this kernel: a real child, from its birth to its end. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { openNetlink } from '../../../src/app/record/netlink-transport.ts';
import { CN_IDX_PROC, NETLINK_CONNECTOR, ProcConnector, ProcEventKind } from '../../../src/linux/proc-connector.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const native = loadNative();
const missing = netnsMissing();

function connect(netnsPath = ''): ProcConnector {
  return new ProcConnector(openNetlink(native, NETLINK_CONNECTOR, netnsPath, 1 << (CN_IDX_PROC - 1)));
}

/** Containers have pid, user or network namespaces of their own. */
function refusal(): string | false {
  const connector = connect();
  const result = connector.subscribe();
  connector.close();
  return result === 0 ? false : `the kernel refuses: ${result}`;
}

test('ProcConnector tells of the fork, the exec and the end of a child', { skip: refusal() }, async () => {
  const connector = connect();
  assert.equal(connector.subscribe(), 0);
  const seen: string[] = [];
  const { pid } = spawnSync('sh', ['-c', 'exit 3']);
  await waitFor(
    () => {
      connector.read(1000, (event) => {
        if (event.pid !== pid) return;
        if (event.kind === ProcEventKind.Fork) seen.push(`fork of ${event.parentPid}`);
        if (event.kind === ProcEventKind.Exec) seen.push('exec');
        if (event.kind === ProcEventKind.Exit) seen.push(`exit ${event.value >> 8}`);
      });
      return seen.some((word) => word.startsWith('exit'));
    },
    5000,
    'the end of the child',
  );
  assert.deepEqual(seen, [`fork of ${process.pid}`, 'exec', 'exit 3']);
  connector.close();
});

test('ProcConnector says that it is refused in another network namespace', { skip: missing }, () => {
  const lab = new NetnsLab();
  const connector = connect(lab.create().path);
  assert.equal(connector.subscribe(), -111);
  connector.close();
  lab.close();
});
