/** Stored sockets under the tuples that their packets have behind address translation. */
import { FIRST_TRANSLATED } from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import { compileTranslated } from '../../store/compile-translated.ts';
import { Reader, type Row } from '../../store/reader.ts';

/** Read beside the sockets, in the same order. */
export class TranslatedSockets {
  readonly #reader: Reader;
  readonly #rows: Generator<Row>;
  #next: Row | undefined;
  #ids = FIRST_TRANSLATED;

  /** @param sinceUs as for compileHistory() @throws UserError when the database cannot be read */
  constructor(path: string, sinceUs: Us) {
    this.#reader = Reader.open(path);
    this.#rows = this.#reader.rows(compileTranslated(sinceUs));
    this.#step();
  }

  /**
   * The same socket once for each of its other tuples, for the time in which it had it. To be asked for in the order of
   * compileHistory().
   *
   * @param rows of one socket
   */
  *of(rows: readonly Row[]): Generator<readonly Row[]> {
    const { id, from_us: beganUs } = rows[0]!;
    for (let one = this.#next; one !== undefined && isNotBehind(one, Number(beganUs), Number(id)); one = this.#next) {
      const { socket, began_us: _, ...seen } = one;
      if (socket === id) yield rows.map((row) => ({ ...row, ...seen, id: this.#ids++ }));
      this.#step();
    }
  }

  close(): void {
    this.#rows.return(undefined);
    this.#reader.close();
  }

  #step(): void {
    const { value, done } = this.#rows.next();
    this.#next = done === true ? undefined : (value as Row);
  }
}

function isNotBehind(one: Row, beganUs: Us, socket: number): boolean {
  const atUs = Number(one.began_us);
  return atUs < beganUs || (atUs === beganUs && Number(one.socket) <= socket);
}
