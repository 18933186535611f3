/** Whether a history is of the host of a capture, and what lies between their clocks. */
import { Protocol } from '../../core/tuple.ts';
import { compileOwnAddress, compileSocketsOnTuple } from '../../store/compile-history.ts';
import { Reader } from '../../store/reader.ts';
import type { Beginning, CaptureSurvey, TupleEnd } from './capture-survey.ts';
import { estimateSkew, MOST_SOCKETS, type Sighting, type Skew } from './clock-skew.ts';

export interface Comparison {
  readonly skew: Skew | undefined; // undefined: none that could be told
  readonly isElsewhere: boolean; // no address of the capture was one of the host's
}

/** @throws UserError when the database cannot be read */
export function compareWithHistory(path: string, { beginnings, addresses }: CaptureSurvey): Comparison {
  const reader = Reader.open(path);
  try {
    const beginningsOf = (local: TupleEnd, remote: TupleEnd): readonly number[] => {
      const ends = { local: local.address, localPort: local.port, remote: remote.address, remotePort: remote.port };
      const rows = reader.all(compileSocketsOnTuple({ protocol: Protocol.Tcp, ...ends }, MOST_SOCKETS + 1));
      return rows.map(({ from_us }) => Number(from_us));
    };
    const sightingOf = ({ src, dst, atUs }: Beginning): Sighting => {
      const clients = beginningsOf(src, dst);
      return { atUs, socketsUs: clients.length > 0 ? clients : beginningsOf(dst, src) };
    };
    const isElsewhere = addresses.length > 0 && reader.all(compileOwnAddress(addresses)).length === 0;
    return { skew: estimateSkew(beginnings.map(sightingOf)), isElsewhere };
  } finally {
    reader.close();
  }
}
