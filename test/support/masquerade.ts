/** A container as container engines make them: a namespace on a bridge, behind a router that translates addresses. */
import type { Netns, NetnsLab } from './netns.ts';

export interface Masquerade {
  readonly container: Netns;
  readonly router: Netns; // has the bridge and the uplink
  readonly outside: Netns;
  readonly containerHost: string; // IPv4 addresses
  readonly uplink: string; // interface of the router
  readonly uplinkHost: string; // what the outside sees
  readonly outsideHost: string;
}

const RULES = [
  ['add', 'table', 'ip', 'nat'],
  ['add', 'chain', 'ip', 'nat', 'out', '{ type nat hook postrouting priority 100 ; }'],
];

export function connectMasqueraded(lab: NetnsLab): Masquerade {
  const [container, router, outside] = [lab.create(), lab.create(), lab.create()];
  const [inside, port] = lab.connect(container, router);
  const [uplink, far] = lab.connect(router, outside);
  router.exec('ip', 'link', 'add', 'bridge0', 'type', 'bridge');
  router.exec('ip', 'address', 'flush', 'dev', port.name);
  router.exec('ip', 'link', 'set', port.name, 'master', 'bridge0');
  router.exec('ip', 'address', 'add', `${port.v4}/24`, 'dev', 'bridge0');
  router.exec('ip', 'link', 'set', 'bridge0', 'up');
  router.exec('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const rule of RULES) router.exec('nft', ...rule);
  router.exec('nft', 'add', 'rule', 'ip', 'nat', 'out', 'oifname', uplink.name, 'masquerade');
  container.exec('ip', 'route', 'add', 'default', 'via', port.v4);
  return {
    ...{ container, router, outside },
    containerHost: inside.v4,
    uplink: uplink.name,
    uplinkHost: uplink.v4,
    outsideHost: far.v4,
  };
}
