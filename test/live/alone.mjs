/**
 * Live tests wait most of the time, in namespaces of their own, so some files run at once. These run one after the other
 * when the rest is over: path in this folder, a file or a folder, and why.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ALONE = {
  'forensics/sockets-only.test.ts': 'storms, and two recorders of the whole host that must say the same',
  'native/bpf.test.ts': 'small rings, which the events of others would fill',
  'native/bpf-attach.test.ts': 'cgroups, and what is still attached when a recorder was killed',
  'native/bpf-processes.test.ts': 'small rings, which the events of others would fill',
  'native/translation-watch.test.ts': 'what the kernel tells of connections depends on who listens on the host',
  'record/brief-lives.test.ts': 'a storm of processes, all of which must find room in the rings',
  'record/brief-processes.test.ts': 'a storm of processes',
  'record/degrade.test.ts': 'connections that must outlive a scan of /proc',
  'record/every-owner.test.ts': 'a storm, recorded in all namespaces',
  'record/kernel-facts.test.ts': 'what happens on the whole host, in time',
  'record/kill.test.ts': 'how long the end of a recording takes',
  'record/load.test.ts': 'drops, and how long the main thread is busy',
  'record/namespaces.test.ts': 'records in all namespaces',
  'record/pid-reuse.test.ts': 'connections that must outlive a scan of /proc',
  'record/rights.test.ts': 'connections that must outlive a scan of /proc',
  'record/write.test.ts': 'owners that must be known in the second that packets wait for them',
  'start/': 'the first start: what passes in so many seconds',
};

/** @param file path of a test file */
export function runsAlone(file) {
  return Object.keys(ALONE).some((path) => file.startsWith(join('test', 'live', path)));
}

/** Lines of the list that mean nothing any more. */
export function staleLines() {
  return Object.keys(ALONE).filter((path) => !existsSync(join('test', 'live', path)));
}
