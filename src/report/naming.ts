/** Names in place of addresses and port numbers, in what people read. */
import { parseAddress } from '../core/address.ts';
import { BY_ADDRESS } from '../core/name.ts';
import { formatEnd, type Row, textOf } from './columns.ts';

export interface Naming {
  readonly hosts: boolean;
  /** Name of a service, by the protocol's name. */
  readonly service: (protocol: string, port: number) => string | undefined;
}

export const NUMERIC: Naming = { hosts: false, service: () => undefined };

/** What cannot be taken for anything but a name: no colon, space or bracket, which have a meaning of their own here. */
const HOST_NAME = /^[\p{L}\p{M}\p{N}_.-]+$/u;

/**
 * `example.org:https` of one end of a flow record. A question mark, `example.org?:https`, means that the address was
 * called so, and not that this flow was meant for it. Names that could be taken for something else stay out.
 *
 * @param isService whether the port is one that was asked for; others are numbers that happen to have a name
 */
export function namedEnd(row: Row, side: 'src' | 'dst', isService: boolean, { hosts, service }: Naming): string {
  const port = textOf(row, `${side}_port`);
  const named = isService && port !== null ? service(textOf(row, 'protocol') ?? '', Number(port)) : undefined;
  const name = hosts ? textOf(row, `${side}_name`) : null;
  if (name === null || !HOST_NAME.test(name) || parseAddress(name) !== undefined) {
    return formatEnd(textOf(row, `${side}_addr`), named ?? port);
  }
  return formatEnd(row[`${side}_name_source`] === BY_ADDRESS ? `${name}?` : name, named ?? port);
}
