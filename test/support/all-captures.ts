/** Every capture of captures/ that is made from a description. */
import { BAD_CAPTURES } from './bad-captures.ts';
import { FILE_CAPTURES, type FileCapture } from './file-captures.ts';
import { LAYER_CAPTURES } from './layer-captures.ts';
import { NAME_CAPTURES } from './name-captures.ts';
import { PROCESS_CAPTURES } from './process-captures.ts';
import { SAMPLE_CAPTURES } from './sample-captures.ts';

export const ALL_CAPTURES: readonly FileCapture[] = [
  ...SAMPLE_CAPTURES.map(({ name, bytes }) => ({ name: `${name}.pcap`, bytes })),
  ...FILE_CAPTURES,
  ...PROCESS_CAPTURES,
  ...LAYER_CAPTURES,
  ...BAD_CAPTURES,
  ...NAME_CAPTURES,
];
