import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { waitFor } from '../../support/wait.ts';

/** A part of what `ip -json -statistics` says of an interface. */
interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
  readonly stats64: Readonly<Record<'rx' | 'tx', { readonly packets: number; readonly bytes: number }>>;
}

describe('pcapid interfaces', { skip: netnsMissing() }, () => {
  const lab = new NetnsLab();
  after(() => lab.close());
  const netns = lab.create();
  lab.connect(netns, lab.create());
  const before = ['ip', 'netns', 'exec', netns.name]; // which shows the /sys of that namespace
  netns.exec('ip', 'link', 'add', 'br0', 'type', 'bridge');
  async function list(env: Readonly<Record<string, string>> = {}): Promise<readonly Record<string, unknown>[]> {
    const { code, out, err } = await runPcapid(['interfaces', '--format', 'json'], { before, env });
    assert.deepEqual([code, err], [0, '']);
    return JSON.parse(out) as Record<string, unknown>[];
  }

  function truth(): readonly Record<string, unknown>[] {
    const links = JSON.parse(netns.exec('ip', '-details', '-json', '-statistics', 'address')) as IpLink[];
    return links.map(({ ifindex, ifname, flags, mtu, linkinfo, addr_info, stats64 }) => ({
      name: ifname,
      ifindex,
      state: !flags.includes('UP') ? 'down' : flags.includes('NO-CARRIER') ? 'no-carrier' : 'up',
      mtu,
      kind: linkinfo?.info_kind ?? 'loopback',
      addresses: addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`).join(' ') || null,
      rx_packets: stats64.rx.packets,
      rx_bytes: stats64.rx.bytes,
      tx_packets: stats64.tx.packets,
      tx_bytes: stats64.tx.bytes,
    }));
  }

  /** Both at a moment when nothing moved: the kernel looks for routers and neighbours now and then. */
  async function atRest(env: Readonly<Record<string, string>> = {}) {
    const look = async () => {
      const earlier = truth();
      const rows = (await list(env)).map(({ rx_dropped: _, tx_dropped: __, ...rest }) => rest);
      return isDeepStrictEqual(earlier, truth()) && { rows, truth: earlier };
    };
    return waitFor(look, 30_000, 'counters at rest');
  }

  test('lists what ip lists, with addresses and counters', async () => {
    const { rows, truth } = await atRest();
    assert.deepEqual(rows, truth);
    assert.ok(truth.some(({ kind }) => kind === 'veth') && truth.some(({ state }) => state === 'down'));
  });

  test('lists the same without the addon, but for kinds that /sys does not tell', async () => {
    const without = ({ kind: _, addresses, ...rest }: Record<string, unknown>) => ({
      ...rest,
      addresses: String(addresses).split(' ').sort(),
    });
    const { rows, truth } = await atRest({ PCAPID_ADDON: '/nonexistent' });
    assert.deepEqual(rows.map(without), truth.map(without));
    assert.deepEqual(
      rows.map(({ name, kind }) => [name, kind]).filter(([name]) => name === 'br0' || name === 'lo'),
      [
        ['lo', 'loopback'],
        ['br0', 'bridge'],
      ],
    );
  });

  test('mentions any in the table', async () => {
    const { out } = await runPcapid(['interfaces'], { before });
    assert.match(out, /^NAME +STATE +KIND/);
    assert.match(out, /'any' stands for all of them/);
  });
});
