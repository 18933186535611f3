import assert from 'node:assert/strict';
import { mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CapBackend, openCapBackend } from '../../../src/capture/cap-backend.ts';
import { UserError } from '../../../src/core/errors.ts';
import { waitFor } from '../../support/wait.ts';

/** Children that speak as cap-child.ts does, without cap. */
describe('openCapBackend() with a made-up child', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cap backend '));
  after(() => rmSync(folder, { recursive: true }));

  function open(body: string): CapBackend {
    const script = join(folder, 'child.cjs');
    writeFileSync(script, `const { writeSync } = require('node:fs');\n${body}`);
    return openCapBackend({ script, device: 'eth0', filter: 'tcp', ringBytes: 1 });
  }

  const failsWith = (code: string, message: RegExp) => (error: unknown) =>
    error instanceof UserError && error.code === code && message.test(error.message);

  test('openCapBackend() hands over what the child writes, after lines that are not the word it waits for', async () => {
    const child = "writeSync(2, 'Warning: may not work\\nready\\n'); writeSync(1, process.argv.slice(2).join());";
    const backend = open(`${child} process.stdin.on('end', () => process.exit()).resume();`);
    const bytes = Buffer.alloc(100);
    const got = await waitFor(() => readNow(backend.fd, bytes), 5000, 'the words of the child');
    assert.equal(bytes.toString('utf8', 0, got), 'eth0,tcp,1');
    backend.close();
  });

  test('openCapBackend() names the missing package and how to install it', () => {
    const child = () => open("writeSync(2, 'not-installed: the package cap is not installed\\n'); process.exit(3);");
    assert.throws(child, failsWith('no-cap', /the package cap is not installed/));
  });

  test('openCapBackend() gives the reason of a failed open', () => {
    const child = () => open("writeSync(2, 'open-failed: eth0: No such device exists\\n'); process.exit(4);");
    assert.throws(child, failsWith('capture-failed', /'eth0' with the filter 'tcp': eth0: No such device exists$/));
  });

  test('openCapBackend() does not wait for a child that ended without a word', () => {
    assert.throws(() => open('process.exit(0);'), failsWith('capture-failed', /its process ended/));
  });

  test('CapBackend keeps the last words of a child that died', async () => {
    const backend = open(
      "writeSync(2, 'ready\\n'); setTimeout(() => { writeSync(2, 'Assertion\\n'); process.kill(process.pid, 'SIGKILL'); }, 20);",
    );
    const bytes = Buffer.alloc(1);
    await waitFor(() => readNow(backend.fd, bytes) === 0, 5000, 'the end of the pipe');
    assert.equal(backend.words(), 'Assertion');
    backend.close();
  });
});

/** @returns octets read, 0 at the end, undefined when there is nothing now */
function readNow(fd: number, into: Buffer): number | undefined {
  try {
    return readSync(fd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
