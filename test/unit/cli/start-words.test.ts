import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoSteps, liveSteps, quietWords, troubleWords } from '../../../src/cli/start-words.ts';
import { UserError } from '../../../src/core/errors.ts';

const trouble = (code: string): UserError => new UserError(code, 'it is broken', 'Mend it.');

test('troubleWords() says what is missing and what to run, in one line', () => {
  for (const code of ['no-capture-right', 'no-libpcap', 'no-addon', 'capture-failed']) {
    assert.match(troubleWords(trouble(code), false, '/usr/bin/node'), /^Captur[^\n]+$/, code);
  }
  assert.match(troubleWords(trouble('capture-failed'), false, '/usr/bin/node'), /it is broken\. Mend it\./);
});

test('troubleWords() proposes a sudo that finds the same node', () => {
  const words = (node: string): string => troubleWords(trouble('no-capture-right'), false, node);
  assert.match(words('/usr/bin/node'), /run sudo npm start$/);
  assert.match(words('/home/alice/.nvm/versions/node/v20.20.0/bin/node'), /run sudo env "PATH=\$PATH" npm start$/);
});

test('troubleWords() sends root, who has no right either, to the container', () => {
  const words = troubleWords(trouble('no-capture-right'), true, '/usr/bin/node');
  assert.match(words, /CAP_NET_RAW/);
  assert.doesNotMatch(words, /sudo/);
});

const FLOW = {
  ...{ protocol: 'tcp', src_addr: '192.0.2.1', src_port: 40000, dst_addr: '198.51.100.9', dst_port: 443 },
  ...{ src_pid: null, src_comm: null, src_reason: 'no-socket', dst_pid: null, dst_reason: 'not-local' },
};

test('liveSteps() asks for the largest flow whose owner is known', () => {
  const known = { ...FLOW, dst_addr: '2001:db8::1', src_pid: 42, src_comm: 'curl', src_reason: null };
  const text = liveSteps([FLOW, known], '', undefined);
  assert.match(text, /^ {2}npx pcapid who '\[2001:db8::1\]:443' +why it says curl\[42\]$/m);
  assert.match(liveSteps([FLOW], '', undefined), /^ {2}npx pcapid who 198\.51\.100\.9:443 +whose connection that is$/m);
});

test('liveSteps() names the database and the folder only where the commands would not find them', () => {
  assert.match(liveSteps([FLOW], '', undefined), /^Try next:$/m);
  const text = liveSteps([FLOW], ' --db /x/pcapid.db', '/x');
  assert.match(text, /^Try next \(in \/x\):$/m);
  assert.match(text, /flows --since 10m --db \/x\/pcapid\.db {2}/);
});

test('demoSteps() and quietWords() show commands that can be copied', () => {
  assert.equal(
    demoSteps('/tmp/d/demo.db', undefined).match(/^ {2}npx pcapid .* --db \/tmp\/d\/demo\.db {2}/gm)?.length,
    3,
  );
  assert.match(quietWords(), /curl.*ping/);
});
