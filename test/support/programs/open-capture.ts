/** Opens a capture on argv[2] in the namespace argv[3] and prints `open`, or the code and text of the error. */
import { UserError } from '../../../src/core/errors.ts';
import { loadNative } from '../../../src/native/binding.ts';

const native = loadNative();
native.clocks(new Float64Array(3)); // needs no library
try {
  native.pcapClose(native.pcapOpen(process.argv[2]!, '', 2048, 1 << 20, 10, 0, process.argv[3]!));
  console.log('open');
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
