/**
 * What happens in the demo, in order. make-demo.mjs starts it in the network namespace of the host, as the first process
 * of a pid namespace: when it ends, the kernel ends all others.
 * `demo-play.mjs NEIGHBOUR` in the folder that has demo.py and receives demo.pcap and demo.facts.ndjson.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const neighbour = process.argv[2]; // network namespace
const HERE = '192.0.2.10';
const THERE = '198.51.100.20';
const THERE6 = '2001:db8:1::20';
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

const demo = (...words) => ['python3', 'demo.py', ...words.map(String)];
const web = (address, port) => ['python3', '-u', '-m', 'http.server', String(port), '--bind', address];
const curl = (url, ...words) => ['curl', '--silent', '--output', '/dev/null', ...words, url];
const there = (words) => ['ip', 'netns', 'exec', neighbour, ...words];

/** Runs to the end, whatever that is: some of these are refused on purpose. */
function run(words) {
  const child = spawn(words[0], words.slice(1), { stdio: 'ignore' });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/** Starts it and waits until it says that it is ready. */
function serve(words, sign) {
  const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (text) => {
      said += text;
      if (said.includes(sign)) resolve(child);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', reject).once('close', () => reject(new Error(`${words.join(' ')} ended: ${said}`)));
  });
}

function end(child) {
  return new Promise((resolve) => {
    child.once('close', resolve).kill('SIGTERM');
  });
}

await serve(there(web(THERE, 80)), 'Serving');
await serve(there(web(THERE6, 80)), 'Serving');
await serve(there(demo('nameserver', THERE, 53)), 'ready');
await serve(there(demo('sink', THERE, 9100)), 'ready');
await serve([...NOBODY, ...web(HERE, 8080)], 'Serving');
await serve(demo('database', '127.0.0.1', 5432), 'ready');
await serve(demo('workers', HERE, 9000), 'ready');

await sleep(1500); // the first reports of IPv6 groups have passed
const options = ['-i', 'any', '-y', 'LINUX_SLL2', '-s', '128', '-n', '-U', '--immediate-mode', '-Z', 'root'];
const capture = await serve(['tcpdump', ...options, '-w', 'demo.pcap'], 'listening on');
const observer = await serve([process.execPath, 'observe.cjs', 'demo.facts.ndjson'], 'ready');
await sleep(1000); // a first look at everything that listens

const long = [
  curl(`http://${THERE}/release.tar`, '--limit-rate', '100k'),
  demo('app', '127.0.0.1', 5432),
  demo('resolver', THERE, 53),
  demo('backup', THERE, 9100),
  ['ping', '-c', '6', '-i', '0.5', THERE],
  [...NOBODY, ...curl(`http://[${THERE6}]/index.html`, '--limit-rate', '30k')],
  there(curl(`http://${HERE}:8080/release.tar`, '--limit-rate', '100k')),
  there(demo('app', HERE, 9000)),
  there(['ping', '-c', '2', '-i', '0.3', HERE]),
].map(run);
await sleep(700);
await run(demo('once', THERE, 9100));
await run(there(curl(`http://${HERE}:8080/index.html`))); // answered and closed at once
await run(curl(`http://${THERE}:81/`)); // nobody listens there
await run(there(curl(`http://${HERE}:22/`))); // nor here
await Promise.all(long);
await sleep(500); // the last packets
await end(capture);
await end(observer);
process.exit(0); // the servers end with their namespace
