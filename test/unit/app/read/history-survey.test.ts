import assert from 'node:assert/strict';
import { test } from 'node:test';
import { surveyCaptures, type TupleEnd } from '../../../../src/app/read/capture-survey.ts';
import { compareWithHistory } from '../../../../src/app/read/history-survey.ts';
import { withDatabase } from '../../../support/database.ts';
import { tick } from '../../../support/ticks.ts';

const CAPTURE = 'captures/demo.pcap';
const AHEAD_US = 90_000_000;
const text = ({ address, port }: TupleEnd): string => `${address.join('.')}:${port}`;

test('the beginnings of connections and the addresses are taken from files, whatever else is named', async () => {
  const { beginnings, addresses } = await surveyCaptures([CAPTURE, '/dev/null', 'package.json', 'no-such-file']);
  assert.equal(beginnings.length, 10);
  assert.equal(addresses.length, 4);
  const again = await surveyCaptures([CAPTURE, CAPTURE]);
  assert.deepEqual(again.beginnings, beginnings);
});

test('a history of the same connections gives the offset of its clock', async () => {
  const survey = await surveyCaptures([CAPTURE]);
  const v4 = survey.beginnings.filter(({ src }) => src.address.length === 4);
  const sockets = v4.map(({ src, dst, atUs }, i) => {
    const [local, remote] = i % 2 === 0 ? [src, dst] : [dst, src]; // also those that were accepted
    return { id: i + 1, tuple: `tcp ${text(local)} > ${text(remote)}`, fromUs: atUs - AHEAD_US - 100 };
  });
  withDatabase([tick({ sockets })], (path) => {
    const { skew, isElsewhere } = compareWithHistory(path, survey);
    assert.deepEqual([skew?.offsetUs, skew?.matches, isElsewhere], [AHEAD_US + 100, v4.length, false]);
  });
});

test('a history without any address of the capture is one of another host', async () => {
  const survey = await surveyCaptures([CAPTURE]);
  withDatabase([tick({ sockets: [{ id: 1, tuple: 'tcp 203.0.113.1:1 > 203.0.113.2:2' }] })], (path) => {
    assert.deepEqual(compareWithHistory(path, survey), { skew: undefined, isElsewhere: true });
    assert.equal(compareWithHistory(path, { ...survey, addresses: [] }).isElsewhere, false, 'loopback says nothing');
  });
});
