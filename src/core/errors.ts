/** A wrong input or a missing right: the person at the keyboard can act on it. Shown without a stack, exit 2. */
export class UserError extends Error {
  readonly code: string; // stable, e.g. 'no-capture-right'
  readonly hint: string; // what to do, one sentence

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.name = 'UserError';
    this.code = code;
    this.hint = hint;
  }
}

/** Bytes or text that are not in their format. */
export class ParseError extends Error {
  readonly source: string; // file or kernel path
  readonly at: number; // line (text, from 1) or octet offset (binary)

  constructor(source: string, at: number, message: string) {
    super(`${source}: ${message} (at ${at})`);
    this.name = 'ParseError';
    this.source = source;
    this.at = at;
  }
}
