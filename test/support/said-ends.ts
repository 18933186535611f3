/** What a recording says of the ends of its flows, read from the tables. */
import { query } from './stored-flows.ts';
import { SaidEnds } from './verdict.ts';

/** Both tuples of a flow under address translation: in the view flow_record, start ticks from the tables. */
const ENDS = `SELECT r.netns, r.protocol, r.src_addr, r.src_port, r.dst_addr, r.dst_port, r.nat_src_addr, r.nat_src_port,
    r.nat_dst_addr, r.nat_dst_port, r.first_us, r.last_us, r.src_pid, r.dst_pid, r.src_reason, r.dst_reason,
    s.start_ticks AS src_start_ticks, d.start_ticks AS dst_start_ticks
  FROM flow_record r JOIN flow f ON f.id = r.flow_id
  LEFT JOIN process s ON s.id = f.src_process LEFT JOIN process d ON d.id = f.dst_process
  WHERE r.protocol IN ('tcp', 'udp')`;

type Row = ReturnType<typeof query>[number];

export function storedEnds(database: string): SaidEnds {
  const ends = new SaidEnds();
  for (const row of query(database, ENDS)) {
    const tuples = row.nat_src_addr === null ? [''] : ['', 'nat_'];
    // An end knows its own address as it is on its side, and the other one as it is there: every combination is true.
    for (const src of tuples)
      for (const dst of tuples) {
        const [from, to] = [address(row, `${src}src`), address(row, `${dst}dst`)];
        ends.add(String(row.protocol), from, to, said(row, 'src'));
        ends.add(String(row.protocol), to, from, said(row, 'dst'));
      }
  }
  return ends;
}

const address = (row: Row, end: string): readonly [string, number] => [
  String(row[`${end}_addr`]),
  Number(row[`${end}_port`]),
];

function said(row: Row, side: 'src' | 'dst') {
  const number = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  const reason = row[`${side}_reason`];
  return {
    netns: number('netns'),
    fromUs: Number(row.first_us),
    toUs: Number(row.last_us),
    pid: number(`${side}_pid`),
    startTicks: number(`${side}_start_ticks`),
    reason: reason === null || reason === undefined ? null : String(reason),
  };
}
