/** Totals of everything added. Duplicates are as the rows sent so far say: exact when nothing is left to send. */
export interface FlowCounts {
  readonly packets: number; // with DecodeStatus Ok
  readonly bytes: number; // frame.len
  readonly ipBytes: number;
  readonly duplicatePackets: number;
  readonly duplicateBytes: number;
  readonly flows: number; // serials given
  readonly evicted: number; // flows that ended by lack-of-resources
  readonly lost: number; // rows that found no room because nobody drained
  readonly late: number; // changes of sockets or addresses known only after packets that they concern
}
