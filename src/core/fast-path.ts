/**
 * The loops that run for every packet, as the addon has them (native/walk_pcap.cc, plain_packets.cc, flow_count.cc). Each
 * does only what the careful way of src/pcap, src/decode and src/flow does, too, and leaves to it what is not simple:
 * without them the answers are the same, at half of the speed.
 */
export interface FastPath {
  /**
   * Walks over whole records of a pcap file as long as nothing is odd.
   *
   * @param range octets to walk over: from, to; `from` moves on: [2]
   * @param littleEndian as the file is written. @param nanosecond or microsecond. @param longest octets of a packet
   * @returns rows, at most as many as the columns have
   */
  walkPcap(
    bytes: Uint8Array,
    range: Uint32Array,
    littleEndian: 0 | 1,
    nanosecond: 0 | 1,
    longest: number,
    offset: Uint32Array,
    capLen: Uint32Array,
    origLen: Uint32Array,
    sec: Uint32Array,
    nsec: Uint32Array,
  ): number;

  /**
   * Writes the rows of TCP and UDP packets without anything odd. Columns are those of a PacketBatch and a DecodedBatch.
   *
   * @param left gets the rows that are not written, in order: [capacity]
   * @param sums gets bytes (frame.len) and ipBytes of those that are: [2]
   * @returns how many rows are left
   */
  decodePlain(
    bytes: Uint8Array,
    count: number,
    netns: number,
    offset: Uint32Array,
    capLen: Uint32Array,
    origLen: Uint32Array,
    linkType: Uint16Array,
    status: Uint8Array,
    key: Int32Array,
    ipAt: Uint32Array,
    transportAt: Uint32Array,
    ipBytes: Uint32Array,
    tcpFlags: Uint8Array,
    tcpSeq: Uint32Array,
    left: Uint16Array,
    sums: Float64Array,
  ): number;

  /**
   * Adds all Ok rows to `totals`, and to its flow each with which nothing can begin or end: its flow was touched in this
   * epoch, its interface is the flow's first one, it is no edge of TCP and inside the epoch's time.
   *
   * @param pairs of FlowIndex. @param words of FlowEntries
   * @param numbers seed of the hash, epoch, what namespaces differ in: [3]
   * @param moment realtime minus boottime, earliest and latest time of a packet, begin and end of the epoch: [5] Us
   * @param totals packets, bytes, ipBytes, largest time: [4], added to
   * @param rows gets the Ok rows that are left, in order; `candidates` the entry that may be theirs or -1, `hashes` the
   *   hash of their key: [capacity]
   * @param ways gets entry << 1 | direction of the rows that were counted, -1 of those left; empty: nobody asks
   * @param flowSerials of FlowEntries. @param serials DecodedBatch.serial; empty: nobody asks
   * @returns how many rows are left
   */
  countFlows(
    count: number,
    status: Uint8Array,
    tcpFlags: Uint8Array,
    key: Int32Array,
    ipBytes: Uint32Array,
    sec: Uint32Array,
    nsec: Uint32Array,
    origLen: Uint32Array,
    ifindex: Uint32Array,
    pairs: Int32Array,
    words: Int32Array,
    numbers: Int32Array,
    moment: Float64Array,
    totals: Float64Array,
    rows: Uint16Array,
    candidates: Int32Array,
    hashes: Int32Array,
    ways: Int32Array,
    flowSerials: Float64Array,
    serials: Float64Array,
  ): number;
}
