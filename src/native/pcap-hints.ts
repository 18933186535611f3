/** Turns the codes with which opening a capture fails into errors that say what to do. */
import { UserError } from '../core/errors.ts';

interface Advice {
  readonly message: string;
  readonly about?: 'device' | 'filter'; // what the message names
  readonly hint: string;
}

const ADVICE: Readonly<Record<string, Advice>> = {
  'no-libpcap': {
    message: 'libpcap cannot be loaded',
    hint: 'Install it: apt-get install libpcap0.8 (Debian, Ubuntu) or dnf install libpcap (Fedora).',
  },
  'no-capture-right': {
    message: 'no right to capture packets',
    about: 'device',
    hint:
      'Run it as root, or give only that right: sudo setpriv --reuid="$USER" --regid="$(id -g)" --init-groups ' +
      '--inh-caps=+net_raw --ambient-caps=+net_raw pcapid ...',
  },
  'no-such-interface': {
    message: 'there is no such interface',
    about: 'device',
    hint: 'List the interfaces with: pcapid interfaces',
  },
  'interface-down': {
    message: 'the interface is down',
    about: 'device',
    hint: 'Bring it up with: ip link set dev NAME up',
  },
  'bad-filter': {
    message: 'the filter is wrong',
    about: 'filter',
    hint: 'Filters are tcpdump expressions, such as "tcp port 443 and not host 10.0.0.1"; see man pcap-filter.',
  },
  'no-such-netns': {
    message: 'there is no such network namespace',
    hint: 'List the named ones with: ip netns list; a process has its own under /proc/PID/ns/net',
  },
  'capture-failed': {
    message: 'the capture cannot start',
    about: 'device',
    hint: 'See whether tcpdump -i INTERFACE works; if it does, please report this.',
  },
};

/** An error of the addon as UserError; anything else (a bug) comes back as it was, with its stack. */
export function pcapError(thrown: unknown, named: { readonly device: string; readonly filter: string }): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  const advice = ADVICE[code];
  if (advice === undefined) return thrown;
  const about = advice.about === undefined ? '' : ` (${named[advice.about]})`;
  return new UserError(code, `${advice.message}${about}: ${thrown.message}`, advice.hint);
}
