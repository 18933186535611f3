import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { surveyCaptures } from '../../../../src/app/read/capture-survey.ts';
import { compareWithHistory } from '../../../../src/app/read/history-survey.ts';
import { withFolder } from '../../../support/database.ts';

void after;
void withFolder;
const CAPTURE = 'captures/demo.pcap';

test('x', async () => {
  const survey = await surveyCaptures([CAPTURE, '/dev/null', 'package.json']);
  console.log(survey.beginnings.length, survey.addresses.length);
  assert.ok(true);
  void compareWithHistory;
});
