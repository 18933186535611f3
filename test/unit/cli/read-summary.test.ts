import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FileResult } from '../../../src/app/read/file-reading.ts';
import { printSummary, summaryText, warnOfRest } from '../../../src/cli/read-summary.ts';
import { testContext } from '../../support/context.ts';
import { tick } from '../../support/ticks.ts';

const TOTALS = { flows: 4, ipBytes: 2048, namedFlows: 1 };
const COUNTERS = { ...tick({}).counters, packets: 20, notIpPackets: 6, badPackets: 1, duplicatePackets: 2 };

const result = (fields: Partial<FileResult> = {}): FileResult => ({
  counters: COUNTERS,
  damages: [],
  named: false,
  firstUs: 0,
  lastUs: 0,
  unsupported: new Map(),
  ...fields,
});
const warned = (fields: Partial<FileResult>): string => {
  const context = testContext();
  warnOfRest(context, result(fields));
  return context.stderr();
};

describe('the summary of read', () => {
  test('summaryText() names link types that are not decoded, apart from what is not IP', () => {
    const unsupported = new Map([
      [189, 1],
      [4711, 3],
    ]);
    assert.equal(
      summaryText(TOTALS, result({ unsupported })),
      '20 packets (2 not IP, 3 of link type 4711, 1 of link type USB_LINUX (189), 1 cut or malformed, ' +
        '2 seen again on another interface), 4 flows, 2.00 KiB; 25.0 % of flows named\n',
    );
    assert.equal(
      warned({ unsupported }),
      'pcapid: 3 packets of link type 4711 are not decoded and in no flow\n' +
        'pcapid: 1 packet of link type USB_LINUX (189) is not decoded and in no flow\n',
    );
  });

  test('summaryText() does not list without end what a hostile file names', () => {
    const unsupported = new Map(Array.from({ length: 5000 }, (_, i) => [1000 + i, 1] as const));
    assert.match(summaryText(TOTALS, result({ unsupported })), / 4990 of 4990 other link types\b/);
    assert.equal(warned({ unsupported }).split('\n').length, 12);
  });

  test('summaryText() counts files that were damaged and files that were left out', () => {
    const damages = [
      { path: '\x1b[2Ja.pcap', what: 'it ends', offset: 40 },
      { path: 'b.pcap', what: 'b.pcap is empty', offset: null },
    ];
    assert.match(summaryText(TOTALS, result({ damages })), /; 1 file damaged; 1 file left out\n$/);
    assert.equal(
      warned({ damages }),
      'pcapid: \\u{1b}[2Ja.pcap: it ends (octet 40); all before it was read\npcapid: b.pcap is empty; left out\n',
    );
  });

  test('printSummary() prints a record for machines, in which nothing is left unsaid', () => {
    const context = testContext();
    const damages = [{ path: 'a.pcap', what: 'it ends', offset: 40 }];
    printSummary(context, TOTALS, result({ damages, unsupported: new Map([[189, 1]]) }), { format: 'ndjson' });
    const { not_ip_packets, unsupported_packets, unsupported, damage, ...rest } = JSON.parse(context.stdout());
    assert.deepEqual([not_ip_packets, unsupported_packets], [6, 1], 'of those');
    assert.deepEqual([unsupported, damage], ['USB_LINUX (189): 1', 'a.pcap: it ends (octet 40)']);
    assert.deepEqual([rest.packets, rest.flows, rest.named_flows, rest.ip_bytes], [20, 4, 1, 2048]);
  });
});
