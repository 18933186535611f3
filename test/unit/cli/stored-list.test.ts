import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { flows } from '../../../src/cli/commands/flows.ts';
import { hosts } from '../../../src/cli/commands/hosts.ts';
import { processes } from '../../../src/cli/commands/processes.ts';
import type { CommandModule } from '../../../src/cli/context.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { CaptureInfo, Tick } from '../../../src/core/tick.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { testContext } from '../../support/context.ts';
import { withDatabase } from '../../support/database.ts';
import { INFO, NOON, processRow, tick } from '../../support/ticks.ts';

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

test('flows, hosts and processes of a range say so when flows of it were deleted', () => {
  const flow = { serial: 1, tuple: 'udp 10.0.0.5:5353 > 8.8.8.8:53' };
  const ends = [{ serial: 1, side: 'src', reason: 'no-socket' } as const];
  withDatabase([tick({ flows: [flow], ends })], (path) => {
    const errors = (module: CommandModule, ...words: string[]) => {
      const context = testContext();
      const command = module(context);
      new Command('pcapid').addCommand(command).parse([command.name(), ...words, '--db', path], { from: 'user' });
      return context.stderr();
    };
    const lists = [flows, hosts, processes];
    for (const list of lists) assert.doesNotMatch(errors(list, '--since', '@0'), /deleted/);
    const db = openSqlite(path, 'write');
    db.exec(`UPDATE kept SET from_us = ${NOON} WHERE what = 'flows'`);
    db.close();
    for (const list of lists) {
      const said = /^pcapid: flows before \d{4}-\d\d-\d\d \d\d:\d\d were deleted \(record --keep\): usage has all/m;
      assert.match(errors(list, '--since', '@0'), said);
      assert.doesNotMatch(errors(list, '--since', `@${NOON / 1e6}`), said);
      assert.doesNotMatch(errors(list), said);
    }
  });
});
