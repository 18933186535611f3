/** The page of captures/demo.pcap, compared with a file beside this one; `npm run golden -- --update` rewrites it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Command } from 'commander';
import { report } from '../../src/cli/commands/report.ts';
import { testContext } from '../support/context.ts';

const PATH = 'test/golden/demo.report.html.out';

test('the page of demo.pcap is as before', async () => {
  const context = testContext({ cwd: process.cwd() });
  const words = ['captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson', '--html', '-', '--utc', '-n'];
  await new Command().addCommand(report(context)).parseAsync(['report', ...words], { from: 'user' });
  const page = context
    .stdout()
    .replaceAll(process.cwd(), '')
    .replace(/<code>pcapid [^<]*<\/code>/, '<code>pcapid ...</code>')
    .replace(/pcapid \d+\.\d+\.\d+/g, 'pcapid VERSION');
  if (process.env.PCAPID_UPDATE_GOLDEN === '1') writeFileSync(PATH, page);
  assert.equal(page, readFileSync(PATH, 'utf8'), `${PATH}: see whether the change is wanted, then --update`);
});
