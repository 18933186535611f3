/** Runs one command of the set-up: shows that it lives, keeps its output, and shows the end of it when it fails. */
import { spawn } from 'node:child_process';

const LINE_INTERVAL_S = 15; // without a terminal
const LINES_SHOWN = 20;
const MAX_OUTPUT = 1 << 20; // characters kept

export const say = (text) => process.stderr.write(`setup: ${text}\n`);

/**
 * @param title what a person reads while it runs
 * @param options cwd, and `env`: what this command needs beside the environment
 * @returns { ok, output, repeat }; repeat is the line for a shell that does the same again
 */
export function runStep(title, command, args, { cwd, env = {} }) {
  const started = Date.now();
  const stopProgress = showProgress(title, started);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const forward = (signal) => child.kill(signal);
    process.on('SIGTERM', forward);
    let output = '';
    const keep = (text) => {
      output = (output + text).slice(-MAX_OUTPUT);
    };
    const end = (ok, what) => {
      process.off('SIGTERM', forward);
      stopProgress(ok);
      if (what !== '') keep(`\n${what}`);
      resolve({ ok, output, repeat: repeatLine(command, args, cwd, env) });
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => end(false, error.message));
    child.once('close', (code, signal) => end(code === 0, code === 0 ? '' : `(${signal ?? `exit code ${code}`})`));
  });
}

/** Says what failed and how to try again by hand. */
export function sayFailure(title, { output, repeat }) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  say(`${title}: failed. Its last lines:`);
  for (const line of lines.slice(-LINES_SHOWN)) process.stderr.write(`    ${line}\n`);
  say(`to try it again by hand:\n    ${repeat}`);
}

/** On a terminal one line that rewrites itself, else a line every 15 s. */
function showProgress(title, started) {
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const terminal = process.stderr.isTTY === true;
  if (!terminal) say(`${title} ...`);
  const tick = () => {
    if (terminal) process.stderr.write(`\r\x1b[Ksetup: ${title} ... ${seconds()} s`);
    else if (seconds() > 0 && seconds() % LINE_INTERVAL_S === 0) say(`${title} ... ${seconds()} s`);
  };
  tick();
  const timer = setInterval(tick, 1000);
  return (ok) => {
    clearInterval(timer);
    if (terminal) process.stderr.write('\r\x1b[K');
    if (ok) say(`${title}: done in ${seconds()} s`);
  };
}

function repeatLine(command, args, cwd, env) {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`);
  return [`cd ${quote(cwd)} &&`, ...settings, quote(command), ...args.map(quote)].join(' ');
}

function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
