/** Entry point of the `pcapid` program. */
import { processContext } from './process-context.ts';
import { runProgram } from './program.ts';

const context = processContext();
void runProgram(process.argv.slice(2), context).then(() => {
  process.exitCode = context.exitCode;
});
