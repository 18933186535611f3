/** Text that a process, a path or a name on the network may hold, as it stands in the database after decodeHostile(). */
import { decodeHostile } from '../../src/core/text.ts';

const octets = (...bytes: number[]) => decodeHostile(Uint8Array.from(bytes));

export const HOSTILE_TEXTS: readonly string[] = [
  'plain',
  '\x1b[2J\x1b[31mred', // clears the screen
  '\x1b]0;title\x07', // sets the title of a terminal
  '\u009b31mC1 control sequence introducer',
  'del\x7fete',
  'back\b\b\b\bspace',
  'nul\0nul',
  'two\nlines',
  'carriage\rreturn',
  'tab\tstop',
  '\u202egnp.exe', // right-to-left override
  '\u2066isolate\u2069',
  '\u061carabic letter mark',
  'zero\u200bwidth\u200djoiner\ufeff',
  'line\u2028separator\u2029',
  'tag\u{e0041}character',
  'interlinear\ufff9annotation\ufffb',
  'Arabic\u0600number sign',
  '"quoted", with comma',
  "it's; rm -rf / #",
  '</script><script>alert(1)</script>',
  '=HYPERLINK("http://example.net","click")',
  '+1+1',
  '-1-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  "'apostrophe",
  '%s%n%x',
  '日本語のプロセス名',
  'e\u0301combining',
  '👩‍👩‍👧',
  '__proto__',
  'x'.repeat(4096),
  '\\u{1b}[2J', // a forged escape, as it looks without doubling
  octets(0x5c, 0x75, 0x7b, 0x31, 0x62, 0x7d), // the same after intake
  octets(0xff, 0xfe, 0x41, 0xc3, 0x28), // invalid UTF-8 after intake
  '',
  ' ',
];
