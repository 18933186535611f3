import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { query } from '../../support/stored-flows.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'names.py');
const [ADDRESS, OTHER] = ['10.99.0.1', '10.99.0.2'];
const HOSTILE = '\x1b[31m\u202egnp\\.exe.example'; // a dot inside a label is escaped

interface Role {
  readonly role: string;
  readonly pid: number;
  readonly port: number;
}

describe('pcapid record and the names of a host', { skip: netnsMissing() || realRootMissing() }, () => {
  const lab = new NetnsLab();
  after(() => {
    killChildren();
    lab.close();
  });

  test('stores who asked for a name, and calls flows by what they, their process or anybody was told', async () => {
    const netns = lab.create();
    for (const address of [ADDRESS, OTHER]) netns.exec('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    const recording = await startRecording(['-i', 'lo'], { netns });
    const { out } = await startChild(netns.command('setsid', '-w', 'python3', SCRIPT, ADDRESS, OTHER)).done;
    await recording.nextTick();
    await recording.stop();
    const lines = out.trim().split('\n');
    assert.equal(lines.pop(), 'done', out);
    const roles = new Map(lines.map((line) => JSON.parse(line) as Role).map((role) => [role.role, role]));

    const names = query(
      recording.database,
      "SELECT address, name, pid FROM name_record WHERE source = 'dns' ORDER BY from_us",
    );
    assert.deepEqual(names, [
      { address: ADDRESS, name: 'shop.example', pid: roles.get('resolver')!.pid },
      { address: ADDRESS, name: 'blog.example', pid: roles.get('asker')!.pid },
      { address: OTHER, name: HOSTILE, pid: roles.get('deceived')!.pid },
    ]);

    const sql = 'SELECT dst_name, dst_name_source, src_pid FROM flow_record WHERE src_port = ? AND dst_port = 9000';
    const called = [...roles.values()].map(({ role, port, pid }) => {
      const [flow] = query(recording.database, sql, port);
      if (flow !== undefined) assert.equal(flow.src_pid, pid, role);
      return [role, flow === undefined ? undefined : `${flow.dst_name} ${flow.dst_name_source}`];
    });
    assert.deepEqual(Object.fromEntries(called), {
      resolver: undefined,
      app: 'shop.example address',
      asker: 'blog.example dns',
      other: 'blog.example address',
      browser: 'web.example http',
      deceived: `${HOSTILE} dns`,
    });

    for (const command of ['flows', 'usage']) {
      for (const format of ['table', 'json', 'ndjson', 'csv']) {
        const { out: text } = await runPcapid([command, '--db', recording.database, '--format', format, '--csv-raw']);
        if (format !== 'csv') assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, `${command} ${format}`);
      }
    }
  });
});
