import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { ContainerNames } from '../../../src/linux/container.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { type TempRoots, tempRoots } from '../../support/temp-roots.ts';

let roots: TempRoots | undefined;
afterEach(() => roots?.remove());

const ID = '0123456789abcdef'.repeat(4);
const SYSTEM = `/system.slice/docker-${ID}.scope`;
const DOCKER = `var/lib/docker/containers/${ID}/config.v2.json`;
const TASK = 'run/containerd/io.containerd.runtime.v2.task';

function names(files: Readonly<Record<string, string>>) {
  roots = tempRoots({ 'etc/hostname': 'x', ...files });
  const clock = { nowUs: 0 };
  const book = new ContainerNames(new ProcFs(roots.folder), () => clock.nowUs);
  return { book, clock, nameOf: (cgroup = SYSTEM) => book.nameOf(ID, cgroup) };
}

test('ContainerNames reads the name that Docker gave', () => {
  assert.equal(names({ [DOCKER]: JSON.stringify({ ID, Name: '/web-1', Config: { Labels: {} } }) }).nameOf(), 'web-1');
});

test('ContainerNames reads namespace, pod and container that Kubernetes told Docker', () => {
  const labels = {
    'io.kubernetes.pod.namespace': 'shop',
    'io.kubernetes.pod.name': 'cart-7',
    'io.kubernetes.container.name': 'app',
  };
  assert.equal(
    names({ [DOCKER]: JSON.stringify({ Name: '/k8s_x', Config: { Labels: labels } }) }).nameOf(),
    'shop/cart-7/app',
  );
});

test('ContainerNames reads the annotations of containerd and of nerdctl', () => {
  const pod = {
    'io.kubernetes.cri.sandbox-namespace': 'shop',
    'io.kubernetes.cri.sandbox-name': 'cart-7',
    'io.kubernetes.cri.container-name': 'app',
  };
  const at = (namespace: string): string => `${TASK}/${namespace}/${ID}/config.json`;
  assert.equal(names({ [at('k8s.io')]: JSON.stringify({ annotations: pod }) }).nameOf(), 'shop/cart-7/app');
  roots?.remove();
  assert.equal(names({ [at('default')]: JSON.stringify({ annotations: { 'nerdctl/name': 'db' } }) }).nameOf(), 'db');
});

test("ContainerNames reads the kubelet's links", () => {
  const link = `var/log/containers/cart-7_shop_app-${ID}.log`;
  assert.equal(names({ [link]: '-> /var/log/pods/x' }).nameOf(), 'shop/cart-7/app');
});

test("ContainerNames reads Podman's list, of a user's container from that user's home only", () => {
  const list = JSON.stringify([
    { id: 'f'.repeat(64), names: ['other'] },
    { id: ID, names: ['mine'] },
  ]);
  const rootful = { 'var/lib/containers/storage/overlay-containers/containers.json': list };
  assert.equal(names(rootful).nameOf(), 'mine');
  roots?.remove();
  const files = {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n',
    'home/ann/.local/share/containers/storage/overlay-containers/containers.json': list,
  };
  const ofUser = (uid: number): string =>
    `/user.slice/user-${uid}.slice/user@${uid}.service/user.slice/libpod-${ID}.scope/container`;
  const { book } = names(files);
  assert.equal(book.nameOf(ID, ofUser(1000)), 'mine');
  roots?.remove();
  assert.equal(names(files).book.nameOf(ID, ofUser(1001)), null, "another user's file does not speak for it");
});

test('ContainerNames gives null for files that are broken, too large or of another form', () => {
  for (const text of ['{', '[]', 'null', '{"Name": 5}', '{"Name": "/"}', '{"Config": {"Labels": []}}']) {
    assert.equal(names({ [DOCKER]: text }).nameOf(), null, text);
    roots?.remove();
  }
  const large = JSON.stringify({ Name: '/web', Filler: 'x'.repeat(5 << 20) });
  assert.equal(names({ [DOCKER]: large }).nameOf(), null);
});

test('ContainerNames makes a hostile name harmless', () => {
  assert.equal(names({ [DOCKER]: JSON.stringify({ Name: '/a\\b' }) }).nameOf(), 'a\\\\b');
});

test('ContainerNames takes what is no id as a name, and never as a part of a path', () => {
  const { book } = names({});
  assert.equal(book.nameOf('web', '/lxc.payload.web'), 'web');
  assert.equal(book.nameOf('../../etc', SYSTEM), '../../etc');
});

test('ContainerNames remembers a name, and asks again later when there was none', () => {
  const { nameOf, clock } = names({ [DOCKER]: '{}' });
  assert.equal(nameOf(), null);
  writeFileSync(join(roots!.folder, DOCKER), JSON.stringify({ Name: '/late' }));
  assert.equal(nameOf(), null);
  clock.nowUs += 30_000_000;
  assert.equal(nameOf(), 'late');
  roots?.remove();
  roots = undefined;
  assert.equal(nameOf(), 'late');
});
