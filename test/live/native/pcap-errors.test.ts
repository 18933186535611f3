import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { startChild } from '../../support/child.ts';
import { compileProgram } from '../../support/compile.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';

const skip = netnsMissing();
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());

const program = compileProgram('open-capture');
const open = (device: string, filter: string, netnsPath = ''): unknown =>
  native.pcapOpen(device, filter, 2048, 1 << 20, 10, 0, netnsPath);

function failsWith(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}

test('pcapOpen() says bad-filter with the words of libpcap', { skip }, () => {
  assert.throws(() => open('lo', 'tcp prt 1'), failsWith('bad-filter', /tcp prt 1.*syntax error/));
  assert.throws(() => open('any', 'ether broadcast and nonsense'), failsWith('bad-filter', /nonsense/));
});

test('pcapOpen() says no-such-interface', { skip }, () => {
  assert.throws(() => open('absent0', ''), failsWith('no-such-interface', /absent0/));
  assert.throws(() => open('x'.repeat(5000), ''), UserError);
});

test('pcapOpen() says interface-down', { skip }, () => {
  const netns = lab.create();
  netns.exec('ip', 'link', 'set', 'lo', 'down');
  assert.throws(() => open('lo', '', netns.path), failsWith('interface-down', /lo/));
});

test('pcapOpen() says no-such-netns for a path that is none', { skip }, () => {
  assert.throws(() => open('lo', '', '/run/netns/absent'), failsWith('no-such-netns', /absent: No such file/));
  assert.throws(() => open('lo', '', '/etc/passwd'), failsWith('no-such-netns', /Invalid argument/));
});

test('pcapOpen() leaves the calling thread in its own namespace', { skip }, () => {
  const netns = lab.create();
  const [a] = lab.connect(netns, lab.create());
  native.pcapClose(native.pcapOpen(a.name, '', 2048, 1 << 20, 10, 0, netns.path));
  assert.throws(() => open(a.name, ''), failsWith('no-such-interface', /veth/));
});

test('pcapOpen() says no-capture-right without CAP_NET_RAW', { skip }, async () => {
  const { out } = await startChild([
    'setpriv',
    '--bounding-set=-all',
    '--inh-caps=-all',
    process.execPath,
    program,
    'lo',
    '',
  ]).done;
  assert.match(out, /^no-capture-right: .*\(lo\)/);
});

test('pcapOpen() says no-capture-right without CAP_SYS_ADMIN for another namespace', { skip }, async () => {
  const caps = '+net_raw';
  const words = ['setpriv', `--bounding-set=-all,${caps}`, `--inh-caps=-all,${caps}`, process.execPath, program];
  const inside = await startChild([...words, 'lo', lab.create().path]).done;
  assert.match(inside.out, /^no-capture-right: .*Operation not permitted/);
  const here = await startChild([...words, 'lo', '']).done;
  assert.match(here.out, /^open/);
});

test('the addon works without libpcap, and says no-libpcap where it is needed', { skip }, async () => {
  const env = { PCAPID_LIBPCAP: '/nonexistent/libpcap.so' };
  const { out, code } = await startChild([process.execPath, program, 'lo', ''], { env }).done;
  assert.equal(code, 0);
  assert.match(out, /^no-libpcap: .*nonexistent/);
});
