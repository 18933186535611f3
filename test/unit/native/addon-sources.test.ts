/** What the C++ and the TypeScript side of the addon say of each other, compared as text. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string): string => readFileSync(path, 'utf8');
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1]!).sort();

test('binding.gyp lists every source file of native', () => {
  const [target] = JSON.parse(read('native/binding.gyp')).targets;
  const files = readdirSync('native').filter((name) => name.endsWith('.cc'));
  assert.deepEqual([...target.sources].sort(), files.sort());
});

test('addon.cc exports exactly the functions of the Native interface', () => {
  const exported = all(read('native/addon.cc'), /\{"(\w+)", \w+\}/g);
  const declared = all(read('src/native/interface.ts') + read('src/core/fast-path.ts'), /^ {2}(\w+)\(/gm);
  assert.ok(exported.length > 10);
  assert.deepEqual(exported, declared);
});

test('abi.h and binding.ts have the same version and the same read statuses', () => {
  const header = read('native/abi.h');
  assert.deepEqual(all(header, /kAbiVersion = (\d+)/g), all(read('src/native/binding.ts'), /ABI_VERSION = (\d+)/g));
  const statuses = all(read('src/native/interface.ts'), /ReadStatus = \{(.*)\}/g)[0]!;
  assert.deepEqual(all(header, /k\w+ = (-\d)/g), all(statuses, /: (-\d)/g));
});

test('the module keeps no static variable but the libpcap table', () => {
  for (const name of readdirSync('native').filter((file) => file.endsWith('.cc'))) {
    const statics = read(`native/${name}`)
      .split('\n')
      .filter((line) => /^\s*static (?!constexpr)/.test(line));
    assert.deepEqual(
      statics,
      name === 'libpcap.cc' ? ['  static const Libpcap *const pcap = new Libpcap(Load());'] : [],
    );
  }
});
