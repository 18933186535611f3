/** Any part of a five-tuple as people write it: `443`, `10.0.0.7:443`, `[::1]:80`, `udp 53`, `A:p -> B:q`. */
import { addressBytes, parseAddress } from '../core/address.ts';
import { UserError } from '../core/errors.ts';
import { protocolNumber } from '../core/tuple.ts';
import type { TupleEnd, TupleQuery } from '../store/compile-tuple.ts';

const NAMED = ' By name: flows --name HOST, flows --process PROGRAM.';

export function parseTuple(words: readonly string[]): TupleQuery {
  const text = words.join(' ').trim();
  if (/\s<?-{1,2}$/.test(text)) throw redirected(text);
  const parts = text.split(/\s*(?:<-+>?|-+>|[>,])\s*|\s+/).filter((part) => part !== '');
  const protocol = /^[a-z][a-z0-9]*$/i.test(parts[0] ?? '') ? protocolNumber(parts[0]!) : undefined;
  const ends = parts.slice(protocol === undefined ? 0 : 1).map((part) => parseEnd(part, text));
  if (ends.length > 2 || (ends.length === 0 && protocol === undefined)) throw badTuple(text);
  return { ...(protocol === undefined ? {} : { protocol }), ends };
}

function parseEnd(part: string, whole: string): TupleEnd {
  if (part === '*') return {};
  const port = /^:?(\d{1,5})$/.exec(part);
  if (port !== null) return { port: portOf(port[1]!, whole) };
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(part);
  const dotted = /^(\d+\.\d+\.\d+\.\d+|\*)(?::(\d{1,5}))?$/.exec(part);
  const [address, digits] = bracketed?.slice(1) ?? dotted?.slice(1) ?? [part];
  const words = address === '*' ? undefined : parseAddress(address!);
  if (words === undefined && address !== '*') throw badTuple(whole);
  return {
    ...(words === undefined ? {} : { address: addressBytes(words) }),
    ...(digits === undefined ? {} : { port: portOf(digits, whole) }),
  };
}

function portOf(digits: string, whole: string): number {
  const port = Number(digits);
  if (port <= 65535) return port;
  throw badTuple(whole);
}

/** `who A -> B`: the shell makes a file B for our output, and hands us the rest. */
function redirected(text: string): UserError {
  return new UserError(
    'arrow-redirected',
    `the shell took the > after '${text}' for a redirection into a file`,
    "Leave the arrow out (A B), or quote it ('A -> B'); and delete the file that the shell made.",
  );
}

function badTuple(text: string): UserError {
  return new UserError(
    'bad-tuple',
    `'${text}' is no part of a connection`,
    `Write 443, 10.0.0.7, 10.0.0.7:443, '[::1]:80', 'udp 53' or 'A:port -> B:port'.${looksNamed(text) ? NAMED : ''}`,
  );
}

/** A host or a program that is asked for by its name. */
function looksNamed(text: string): boolean {
  return /^[a-z_][\w.*-]*(:\d+)?$/i.test(text);
}
