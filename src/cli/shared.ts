/** Bundled once for the program and the files of its commands (src/bundle.mjs): classes that both have to recognise. */
export { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
export { ParseError, UserError } from '../core/errors.ts';
