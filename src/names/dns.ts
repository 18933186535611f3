/** Answers of the domain name system, RFC 1035 section 4; multicast RFC 6762, link-local RFC 4795, over TCP RFC 7766. */
import { isLoopback, isUnspecified } from '../core/address.ts';
import type { AddressNameSource } from '../core/name.ts';
import { readDomainName } from './domain-name.ts';
import { Octets } from './octets.ts';
import type { Say } from './say.ts';

const RESPONSE_TO_QUERY = 0x8000; // response bit, and operation 0
const RESPONSE_AND_OPERATION = 0xf800;
const INTERNET = 1; // class; the highest bit means something else in multicast
const CLASS = 0x7fff;

const A = 1; // types
const CNAME = 5;
const AAAA = 28;

const MAX_QUESTIONS = 16;
const MAX_RECORDS = 256;
const MAX_ALIASES = 16; // of a chain

/** What the records of one message are read with. */
interface Message {
  readonly octets: Octets;
  readonly source: AddressNameSource;
  readonly asked: string | undefined;
  readonly aliases: Set<string>; // the name that was asked for, and what it is an alias of
  readonly say: Say;
}

/**
 * Says the name of each address in the answers. Behind aliases that is the name that was asked for: it is the one a
 * program knows. A message that is cut says what is whole.
 */
export function readDns(message: Uint8Array, source: AddressNameSource, say: Say): void {
  const octets = new Octets(message);
  octets.skip(2); // identification
  const flags = octets.u16();
  if ((flags & RESPONSE_AND_OPERATION) !== RESPONSE_TO_QUERY) return;
  const questions = octets.u16();
  const answers = octets.u16();
  const further = octets.u16() + octets.u16();
  if (questions > MAX_QUESTIONS) return;
  let asked: string | undefined;
  for (let q = 0; q < questions; q++) {
    const name = readDomainName(octets);
    asked ??= name;
    octets.skip(4); // type, class
  }
  const aliases = new Set(asked === undefined ? [] : [asked]);
  // Multicast answers come unasked, with the addresses of a service among the additional records.
  const records = Math.min(MAX_RECORDS, source === 'mdns' ? answers + further : answers);
  for (let r = 0; r < records && !octets.isShort; r++) readRecord({ octets, source, asked, aliases, say });
}

function readRecord({ octets, source, asked, aliases, say }: Message): void {
  const owner = readDomainName(octets);
  const type = octets.u16();
  const isInternet = (octets.u16() & CLASS) === INTERNET;
  octets.skip(4); // time to live
  const length = octets.u16();
  const end = octets.at + length;
  if (length > octets.left) octets.isShort = true;
  if (octets.isShort) return;
  if (owner !== undefined && isInternet) {
    if (type === CNAME && aliases.has(owner) && aliases.size <= MAX_ALIASES) addAlias(aliases, readDomainName(octets));
    const address = readAddress(octets, type, length);
    if (address !== undefined) say.address(source, address, asked !== undefined && aliases.has(owner) ? asked : owner);
  }
  octets.at = end;
}

function addAlias(aliases: Set<string>, target: string | undefined): void {
  if (target !== undefined) aliases.add(target);
}

/** @returns undefined for other records, and for what block lists answer: it would name all local traffic */
function readAddress(octets: Octets, type: number, length: number): Int32Array | undefined {
  if (!((type === A && length === 4) || (type === AAAA && length === 16))) return undefined;
  const address = type === A ? Int32Array.of(0, 0, 0xffff, octets.u32()) : readWords(octets);
  return isUnspecified(address) || isLoopback(address) ? undefined : address;
}

const HEADER = 12; // octets
const FLAGS = 4; // octets from the start of a stream: a length, then the identification

/** A StreamParser for what a server sends over TCP: as many messages as are whole. */
export function readDnsStream(stream: Uint8Array, say: Say): boolean {
  let at = 0;
  while (stream.length - at >= 2) {
    const length = (stream[at]! << 8) | stream[at + 1]!;
    const isResponse = stream.length <= FLAGS || ((stream[FLAGS]! << 8) & RESPONSE_AND_OPERATION) === RESPONSE_TO_QUERY;
    if (length < HEADER || !isResponse) return false;
    if (stream.length - at - 2 < length) break;
    at += 2;
    readDns(stream.subarray(at, at + length), 'dns', say);
    at += length;
  }
  return at === 0;
}

function readWords(octets: Octets): Int32Array {
  return Int32Array.from({ length: 4 }, () => octets.u32());
}
