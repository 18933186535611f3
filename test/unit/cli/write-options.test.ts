import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import {
  addWriteOptions,
  completeWriteFlags,
  refuseTerminal,
  type WriteFlags,
} from '../../../src/cli/write-options.ts';
import { UserError } from '../../../src/core/errors.ts';

function flagsOf(...words: readonly string[]): WriteFlags {
  const command = addWriteOptions(new Command().option('--snaplen <octets>', '', Number, 2048)).exitOverride();
  command.parse(words, { from: 'user' });
  return completeWriteFlags(command, command.opts<WriteFlags>());
}

function codeOf(...words: readonly string[]): string {
  try {
    flagsOf(...words);
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return 'accepted';
}

test('sizes and times are those of tcpdump, or have units', () => {
  const { rotateSize, rotateTime, rotateCount } = flagsOf('-w', 'a', '-C', '3', '-G', '60', '-W', '2');
  assert.deepEqual([rotateSize, rotateTime, rotateCount], [3_000_000, 60_000_000, 2]);
  const { rotateSize: size, rotateTime: time } = flagsOf('-w', 'a', '-C', '64KiB', '-G', '1h');
  assert.deepEqual([size, time], [65_536, 3_600_000_000]);
});

test('packets that are written are whole unless somebody says otherwise', () => {
  assert.equal(flagsOf().snaplen, 2048);
  assert.equal(flagsOf('-w', 'a').snaplen, 262_144);
  assert.equal(flagsOf('-w', 'a', '--snaplen', '96').snaplen, 96);
});

test('options that have no meaning are refused, not ignored', () => {
  for (const words of [['--every-packet'], ['--style', 'pib'], ['-C', '1'], ['--force']])
    assert.equal(codeOf(...words), 'no-write');
  assert.equal(codeOf('-w', 'a', '-W', '2'), 'bad-rotation');
  assert.equal(codeOf('-w', '-', '-G', '2'), 'bad-rotation');
  assert.equal(codeOf('-w', 'a', '-C', '1k'), 'bad-size');
  assert.equal(codeOf('-w', 'a', '-G', '0'), 'bad-duration');
  assert.equal(codeOf('-w', 'a', '-C', '1', '-W', '0'), 'bad-count');
});

test('packets do not go to a terminal', () => {
  assert.throws(() => refuseTerminal(flagsOf('-w', '-'), true), /terminal/);
  refuseTerminal(flagsOf('-w', '-'), false);
  refuseTerminal(flagsOf('-w', 'a'), true);
});
