import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import type { CaptureInfo, Tick } from '../../../src/core/tick.ts';
import { testContext } from '../../support/context.ts';
import { withDatabase } from '../../support/database.ts';
import { INFO, processRow, tick } from '../../support/ticks.ts';

/** What is said on stderr about a database that this backend wrote. */
function saidOf(backend: CaptureInfo['backend'], ticks: readonly Tick[], ...words: string[]): Promise<string> {
  const said = async (path: string) => {
    const context = testContext();
    await runProgram([...words, '--db', path], context);
    assert.equal(context.exitCode, 1);
    return context.stderr();
  };
  return withDatabase(ticks, said, { ...INFO, backend });
}

test('where no flow can match, it is said why, and what to ask instead', async () => {
  const { program, row } = processRow(1, { pid: 99 });
  const sockets = [tick({ programs: [program], processes: [row] })];
  for (const name of ['flows', 'usage', 'processes', 'hosts']) {
    assert.match(await saidOf('none', sockets, name), /^pcapid: nothing matched: only sockets .*processes --all/);
    assert.match(await saidOf('libpcap', sockets, name), /^pcapid: nothing matched: no flow is stored, or none any/);
  }
  const unasked = [tick({ flows: [{ serial: 1, tuple: 'udp 10.0.0.5:5353 > 8.8.8.8:53' }] })];
  assert.match(await saidOf('file', unasked, 'usage'), /^pcapid: nothing matched: whose the stored flows are was not/);
  assert.match(await saidOf('file', unasked, 'hosts'), /^pcapid: nothing matched: whose the stored flows are was not/);
});
