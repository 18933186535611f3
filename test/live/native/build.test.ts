import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

test('native/build.mjs says how to repeat a failed command, and keeps the addon that works', () => {
  const output = join(mkdtempSync(join(tmpdir(), 'pcapid build-')), 'pcapid.node');
  after(() => rmSync(join(output, '..'), { recursive: true }));
  const build = (env: Record<string, string>): string =>
    execFileSync(process.execPath, ['native/build.mjs', output], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  assert.match(build({}), /^built .*pcapid\.node in \d+ ms$/m);
  const { size, ino } = statSync(output);
  assert.throws(() => build({ CXXFLAGS: '-include absent.h' }), /absent\.h[\s\S]*Repeat: g\+\+ /);
  assert.throws(() => build({ CXX: '/nonexistent/g++' }), /cannot be run \(ENOENT\)[\s\S]*apt-get install g\+\+/);
  assert.deepEqual([statSync(output).size, statSync(output).ino], [size, ino]);
  assert.deepEqual(
    readdirSync(join(output, '..')).filter((name) => name.includes('.node.')),
    [],
  );
});
