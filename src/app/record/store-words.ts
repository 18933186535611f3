/** What the user is told while the database cannot be written. */
export function stuckWords(message: string): string {
  return `the database cannot be written for now (${message}): counting goes on in memory, and each second tries again`;
}

/** @param forgotten sockets for which there was no room in memory meanwhile */
export function againWords(forgotten: number): string {
  const lost = `: ${forgotten} sockets were forgotten meanwhile, flows of that time may have no process`;
  return `the database can be written again${forgotten === 0 ? '' : lost}`;
}

export function lostWords({ flows, message }: { readonly flows: number; readonly message: string }): string {
  return `the end of the recording could not be stored (${message}): ${flows} flows are lost, and the last counters of others`;
}
