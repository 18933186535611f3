import type { Maker } from '../../core/provenance.ts';

/** Comment of an output's first section. @param inputHash SHA-256 */
export const headingOf = ({ version, command }: Maker, inputHash: string): string =>
  `pcapid ${version}: ${command}; input sha256 ${inputHash}`;
