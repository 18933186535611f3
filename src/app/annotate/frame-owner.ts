/** Whose one frame of a capture file is: it is read once for the flows and their owners, and once up to the frame. */
import { Attributor } from '../../attribution/attributor.ts';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../capture/file.ts';
import { FlowSide } from '../../core/attribution.ts';
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import { UserError } from '../../core/errors.ts';
import { createPacketBatch, type PacketBatch, timeOf } from '../../core/packet.ts';
import type { FlowRecord, Value } from '../../core/record.ts';
import { NO_UID } from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { regularFileSize } from '../files/regular-file.ts';
import { type FileResult, readFiles } from '../read/file-reading.ts';
import { FlowBook } from '../read/flow-book.ts';
import type { History } from '../read/history.ts';
import type { FactsMessage } from '../record/messages.ts';
import { FlowFinder } from './flow-finder.ts';
import { FlowOwners } from './flow-owners.ts';
import { findFlow } from './owner-edits.ts';
import { ownerFields } from './owner-fields.ts';
import { lifeOf, type Processes } from './process-life.ts';

const BATCH_PACKETS = 1024;

export interface FrameQuestion {
  readonly input: string;
  readonly wanted: { readonly frame: number } | { readonly flow: number }; // from 1
  readonly facts: readonly FactsMessage[];
  readonly history?: History | undefined;
  readonly userName: (uid: number) => string | null;
}

export interface Frame {
  readonly timeUs: Us;
  readonly origLen: number; // octets
  readonly serial: number; // of its flow
  readonly isReply: boolean;
}

export interface FrameAnswer {
  readonly frame: Frame | undefined; // when a flow was asked for
  readonly record: FlowRecord;
  readonly holders: readonly Readonly<Record<string, Value>>[]; // `side`, `role`, `pid`, `comm` ...
  readonly lives: readonly Readonly<Record<string, Value>>[]; // of named processes: `side` and ProcessLife
  readonly result: FileResult;
}

/** @throws UserError when there is no such frame or flow */
export async function ownerOfFrame(question: FrameQuestion): Promise<FrameAnswer> {
  const { input, wanted, facts, history, userName } = question;
  regularFileSize(input);
  const owners = new FlowOwners();
  const book = new FlowBook(userName);
  const attributor = new Attributor();
  const result = await readFiles(
    { inputs: [{ path: input }], attributor, facts, history },
    {
      tell: 'ends',
      onFlows(flows) {
        owners.addFlows(flows);
        book.addFlows(flows);
      },
      onAnswer(serial, side, answer) {
        owners.addAnswer(serial, side, answer);
        book.addAnswer(serial, side, answer);
      },
      onNames: (...found) => book.addNames(...found),
      onProgress: () => {},
    },
  );
  const frame = 'frame' in wanted ? await findFrame(input, wanted.frame, new FlowFinder(owners.tuples)) : undefined;
  const serial = 'flow' in wanted ? wanted.flow : frame!.serial;
  if (serial > owners.count) {
    const hint = `pcapid read ${input} --columns flow_id,process,proto,remote lists them.`;
    throw new UserError('no-such-flow', `${input} has no flow ${serial}, only ${owners.count}`, hint);
  }
  const [record] = book.recordsOf([serial]);
  const lives = livesOf(owners, serial, {
    latest: (...one) => history?.latest(...one) ?? attributor.processes.latest(...one),
    startUs: (ticks) => history?.startUs(ticks),
  });
  return { frame, record: record!, holders: holdersOf(owners, serial, userName), lives, result };
}

function livesOf(owners: FlowOwners, serial: number, processes: Processes) {
  return [FlowSide.Src, FlowSide.Dst].flatMap((side) => {
    const { process } = owners.answer(serial, side);
    return process === null ? [] : [{ side: side === FlowSide.Src ? 'src' : 'dst', ...lifeOf(process, processes) }];
  });
}

function holdersOf(owners: FlowOwners, serial: number, userName: (uid: number) => string | null) {
  return [FlowSide.Src, FlowSide.Dst].flatMap((side) =>
    owners.answer(serial, side).holders.map(({ process, role }) => {
      const { uid, pid, comm, exe, cmdline } = ownerFields({ ...owners.answer(serial, side), process, program: null });
      const user = process.uid === NO_UID ? null : userName(process.uid);
      const known = { pid: pid!, comm: comm ?? null, exe: exe ?? null, cmdline: cmdline ?? null };
      return { side: side === FlowSide.Src ? 'src' : 'dst', role, ...known, uid: uid ?? null, user };
    }),
  );
}

/** @param number from 1, as Wireshark counts */
async function findFrame(input: string, number: number, finder: FlowFinder): Promise<Frame> {
  const batch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  const decoded = createDecodedBatch(BATCH_PACKETS);
  const decoder = new Decoder();
  const source = new PcapFileSource({ path: input });
  let before = 0;
  try {
    for (let count = 0; count >= 0; count = source.read(batch, 0)) {
      if (count === 0) await source.more();
      else decoder.decode(batch, decoded);
      if (before + count >= number) return frameAt(batch, decoded, number - before - 1, finder, number);
      before += count;
    }
  } finally {
    source.close();
  }
  const hint = 'Frames count from 1, as in the first column of Wireshark.';
  throw new UserError('no-such-frame', `${input} has ${before} frames, there is no frame ${number}`, hint);
}

const WHY_NOT: Readonly<Record<number, string>> = {
  [DecodeStatus.Truncated]: 'was cut off in front of its ports when it was captured',
  [DecodeStatus.Malformed]: 'has headers that contradict themselves',
  [DecodeStatus.NotIp]: 'is no IP packet',
  [DecodeStatus.Unsupported]: 'has a link type that is not decoded',
};

function frameAt(batch: PacketBatch, decoded: DecodedBatch, row: number, finder: FlowFinder, number: number): Frame {
  const found = findFlow(finder, batch, decoded, row);
  if (found < 0) {
    const why = WHY_NOT[decoded.status[row]!] ?? 'is a piece of a packet whose first piece was not there before it';
    throw new UserError('no-flow', `frame ${number} belongs to no process: it ${why}`, 'Ask for another frame.');
  }
  return { timeUs: timeOf(batch, row), origLen: batch.origLen[row]!, serial: found >> 1, isReply: (found & 1) === 1 };
}
