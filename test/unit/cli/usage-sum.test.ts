import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { usage } from '../../../src/cli/commands/usage.ts';
import type { Tick } from '../../../src/core/tick.ts';
import { testContext } from '../../support/context.ts';
import { withDatabase } from '../../support/database.ts';
import { COUNTERS, processRow, tick } from '../../support/ticks.ts';

const { row, program } = processRow(1, { pid: 1234, exe: '/usr/bin/curl' });
const TICK = tick({
  programs: [program],
  processes: [row],
  flows: [
    { serial: 1, tuple: 'tcp 10.0.0.5:43210 > 93.184.216.34:443', orig: [3, 1042, 1000] },
    { serial: 2, tuple: 'udp 10.0.0.5:5353 > 8.8.8.8:53', orig: [1, 74, 60] },
  ],
  ends: [
    { serial: 1, side: 'src', process: 1, program: 1 },
    { serial: 1, side: 'dst', reason: 'not-local' },
    { serial: 2, side: 'src', reason: 'no-socket' },
    { serial: 2, side: 'dst', reason: 'not-local' },
  ],
});

function sumOf(ticks: readonly Tick[], ...words: string[]): string {
  const context = testContext();
  const command = new Command('pcapid').addCommand(usage(context));
  withDatabase(ticks, (path) => command.parse(['usage', ...words, '--db', path], { from: 'user' }));
  return context.stdout().split('\n\n')[1]!.replaceAll(/ +/g, ' ');
}

test('usage with a filter says which part of the sum its rows are', () => {
  const sum = 'captured 1.04 KiB 100.0 % 4 packets, 2 flows\n= attributed 1000 B 94.3 % 3 packets, 1 flow\n';
  const rest = '+ (no-socket) 60 B 5.7 % 1 packet, 1 flow\n';
  assert.equal(sumOf([TICK]), sum + rest);
  assert.equal(sumOf([TICK], '--port', '53'), `matched 60 B 5.7 % at ends on this host\n${sum}${rest}`);
});

test('usage that reads flows adds up those that match', () => {
  assert.match(sumOf([TICK], '--pid', '1234'), /^matched 1000 B 100\.0 % 3 packets, 1 flow\n= attributed 1000 B/);
});

test('usage says the same of all that was captured, whether counters or flows answer, and what is not IP is a part of it', () => {
  const counters = { ...COUNTERS, packets: 6, notIpPackets: 2, notIpBytes: 84 };
  const of = (...words: string[]) => sumOf([TICK, tick({ counters })], ...words);
  const sum = 'captured 1.04 KiB 100.0 % 6 packets, 2 flows\n= attributed 1000 B 94.3 % 3 packets, 1 flow\n';
  const rest = '+ (no-socket) 60 B 5.7 % 1 packet, 1 flow\n+ (not-ip) 0 B 0.0 % 2 packets, in no flow\n';
  assert.equal(of(), sum + rest);
  assert.equal(of('--by', 'pid'), sum + rest);
  assert.match(
    of('--by', 'pid', '--port', '53'),
    /^matched 60 B 100\.0 % 1 packet, 1 flow\n(.*\n)*beside: 2 packets not IP\n$/,
  );
});
