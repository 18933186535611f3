import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { startWorkload } from '../../support/workload.ts';

describe('live test support', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => lab.close());

  test('workload and namespaces give 23 connections whose both ends are known', async () => {
    const [a, b] = lab.connect(lab.create(), lab.create());
    for (const [family, host] of [
      ['4', b.v4],
      ['6', b.v6],
      ['mapped', b.v4],
    ] as const) {
      const server = startWorkload(['tcp-server', 23, '--family', family, '--host', host], b.netns);
      const port = await server.port();
      const client = startWorkload(
        ['tcp-clients', 23, '--family', family, '--host', host, '--port', port, '--hold', 0],
        a.netns,
      );
      const clients = await client.sockets();
      const servers = (await server.sockets()).filter(({ role }) => role === 'server');
      assert.equal(clients.length, 23);
      assert.deepEqual(
        clients.map(({ local, remote }) => `${local} ${remote}`).sort(),
        servers.map(({ local, remote }) => `${remote} ${local}`).sort(),
      );
      assert.ok(clients.every(({ pid, sent_bytes }) => pid === client.child.pid && sent_bytes === 100));
      assert.equal(new Set([...clients, ...servers].map(({ cookie }) => cookie)).size, 46);
    }
  });

  test('NetnsLab leaves nothing behind', () => {
    const other = new NetnsLab();
    const { name, path } = other.create();
    assert.ok(existsSync(path));
    assert.match(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }), new RegExp(name));
    other.close();
    assert.ok(!existsSync(path));
  });
});
