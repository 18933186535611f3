import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import type { Progress } from '../../../src/app/record/recorder-options.ts';
import { refuseCaptureFlags, socketWords } from '../../../src/cli/sockets-only.ts';

function commandOf(...words: string[]): Command {
  const command = new Command('record')
    .option('-i, --interface <name>')
    .option('--ring <size>', '', '8MiB')
    .option('--for <duration>');
  return command.parse(words, { from: 'user' });
}

test('a flag of the capture is refused beside --sockets-only, one of the recording is not', () => {
  assert.doesNotThrow(() => refuseCaptureFlags(commandOf('--for', '5s'), []));
  assert.throws(() => refuseCaptureFlags(commandOf('-i', 'eth0'), []), {
    code: 'nothing-captured',
    message: /captures nothing: --interface has no meaning/,
  });
  assert.throws(() => refuseCaptureFlags(commandOf('--ring', '16MiB'), []), { message: /--ring/ });
  assert.throws(() => refuseCaptureFlags(commandOf(), ['tcp', 'port', '443']), {
    message: /the filter 'tcp port 443'/,
  });
});

test('what a file of settings says of the capture is no reason to refuse', () => {
  const command = commandOf();
  command.setOptionValueWithSource('interface', ['eth0'], 'config');
  assert.doesNotThrow(() => refuseCaptureFlags(command, []));
});

test('the live line says what is stored and what was lost', () => {
  const progress = { sockets: 30_000, flows: 0, counters: { factsLost: 0 } } as Progress;
  assert.equal(socketWords(progress, 12), '30000 sockets stored  2500/s  0 events lost');
  assert.equal(socketWords({ ...progress, sockets: 1 }, 0), '1 socket stored  1/s  0 events lost');
});
