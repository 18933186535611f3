/** What conntrack tells of a masqueraded connection, against conntrack(8) and against the addresses that it has. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { type HeardTranslations, TranslationWatch } from '../../../src/app/record/capture/translation-watch.ts';
import { openNetlink } from '../../../src/app/record/netlink-transport.ts';
import { KEY_WORDS } from '../../../src/core/tuple.ts';
import { NETLINK_NETFILTER } from '../../../src/linux/conntrack.ts';
import { MESSAGE_HEADER, NLM_F_REQUEST, putMessageHeader } from '../../../src/linux/netlink.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { connectMasqueraded } from '../../support/masquerade.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { keyText } from '../../support/sockets.ts';
import { waitFor } from '../../support/wait.ts';

const missing = netnsMissing();
const skip = missing === false && spawnSync('nft', ['--version']).error !== undefined ? 'no nft' : missing;
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());

const SEND = 's.sendto(b"x", (sys.argv[2], 5353))';
const SCRIPT = `import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", int(sys.argv[1]))); ${SEND}`;

function texts(heard: HeardTranslations | undefined): string[] {
  const told = heard?.found;
  return Array.from({ length: told?.count ?? 0 }, (_, row) => {
    const at = row * KEY_WORDS;
    return `${told!.ended[row]} ${keyText(told!.original, at)} => ${keyText(told!.translated, at)}`;
  });
}

/** Makes the kernel forget every connection of a namespace: IPCTNL_MSG_CT_DELETE without a tuple. */
function flush(netns: Netns): void {
  const socket = openNetlink(native, NETLINK_NETFILTER, netns.path);
  const request = new Uint8Array(MESSAGE_HEADER + 4);
  putMessageHeader(request, request.length, 0x102, NLM_F_REQUEST, 1);
  assert.equal(socket.send(request, request.length), request.length);
  socket.close();
}

test('TranslationWatch lists what is translated, then tells what begins and what ends', { skip }, async () => {
  const { container, router, containerHost, uplinkHost, outsideHost } = connectMasqueraded(lab);
  const line = (ended: number, port: number): string =>
    `${ended} udp/4 ${containerHost}:${port} ${outsideHost}:5353 => udp/4 ${uplinkHost}:${port} ${outsideHost}:5353`;
  const send = (port: number): string => container.exec('python3', '-c', SCRIPT, `${port}`, outsideHost);
  send(40001);
  const watch = new TranslationWatch(native, router.path);
  assert.deepEqual([texts(watch.read(0)), watch.lastError], [[line(0, 40001)], 0]);
  assert.equal(watch.read(0), undefined);

  send(40002);
  const begun = await waitFor(() => watch.read(0), 2000, 'a connection to begin');
  assert.deepEqual(texts(begun), [line(0, 40002)]);

  const listed = spawnSync('ip', ['netns', 'exec', router.name, 'conntrack', '-L', '-p', 'udp'], { encoding: 'utf8' });
  if (listed.status === 0) {
    const oracle = listed.stdout.match(/src=\S+ dst=\S+ sport=4000[12] dport=5353 .*dst=\S+ sport=5353 dport=\d+/g);
    assert.equal(oracle?.length, 2);
    for (const text of oracle!) assert.match(text, new RegExp(`src=${containerHost} .*dst=${uplinkHost} `));
  }

  flush(router);
  const ended = await waitFor(() => watch.read(0), 2000, 'it to end');
  assert.deepEqual(texts(ended), [line(1, 40002)], 'the kernel tells no end of what began before anybody listened');
  watch.close();
});

test('TranslationWatch is silent where nothing is tracked, and says when it has no right', { skip }, () => {
  const watch = new TranslationWatch(native, lab.create().path);
  assert.deepEqual([texts(watch.read(0)), watch.lastError], [[], 0]);
  watch.close();
});

test('TranslationWatch says that more waits than it reads at a time, and goes on with that', { skip }, () => {
  const { container, router, outsideHost } = connectMasqueraded(lab);
  const watch = new TranslationWatch(native, router.path);
  watch.read(0);
  const many = `import sys\nfor n in range(1500): sys.argv[1] = str(20000 + n); exec(sys.argv[3])`;
  container.exec('python3', '-c', many, '', outsideHost, SCRIPT);
  const told = [texts(watch.read(1)).length];
  assert.equal(watch.isBehind, true);
  while (watch.isBehind) told.push(texts(watch.read(1)).length);
  assert.ok(told.length > 1 && told[0]! < 1500);
  assert.equal(
    told.reduce((sum, count) => sum + count),
    1500,
  );
  watch.close();
});

test('TranslationWatch goes on when a namespace vanished before its list', { skip }, () => {
  const { router } = connectMasqueraded(lab);
  const watch = new TranslationWatch(native, router.path);
  spawnSync('ip', ['netns', 'delete', router.name]);
  assert.equal(watch.read(0), undefined);
  watch.close();
});
