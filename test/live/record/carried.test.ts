/** What connections carried by the count of the kernel, against what their ends know they sent. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { killChildren, startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { realRootMissing } from '../../support/real-root.ts';
import { startRecording } from '../../support/recording.ts';
import { query } from '../../support/stored-flows.ts';

const skip = realRootMissing() || netnsMissing();
const lab = new NetnsLab();

after(() => {
  killChildren();
  lab.close();
});

/** 100,000 octets there and 7 back; one that sends nothing; one that its own end resets. Each lives a second. */
const TALK = `
import socket, struct, time
server = socket.socket()
server.bind(('127.0.0.1', 7001))
server.listen()
def pair():
    client = socket.create_connection(('127.0.0.1', 7001))
    return client, server.accept()[0]
pairs = [pair() for _ in range(3)]
(client, accepted), (silent, other), (hasty, last) = pairs
client.sendall(b'x' * 100000)
left = 100000
while left: left -= len(accepted.recv(left))
accepted.sendall(b'y' * 7)
client.recv(7)
hasty.sendall(b'z' * 5)
last.recv(5)
time.sleep(1)
hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
for client, accepted in pairs:
    client.close()
    time.sleep(0.1)
    accepted.close()
`;

const ROWS = `SELECT s.local_port = 7001 AS accepted, s.sent_bytes AS sent, s.acked_bytes AS acked, s.received_bytes AS received
  FROM socket s JOIN protocol o ON o.id = s.protocol WHERE o.token = 'tcp' AND s.remote_port IS NOT NULL`;
const UNTOLD = '0   ';
const text = (row: Readonly<Record<string, unknown>>): string => Object.values(row).join(' ');

for (const sources of ['auto', 'diag,proc']) {
  test(`with --sources ${sources} the octets that a connection carried are stored with its socket`, {
    skip,
  }, async () => {
    const netns = lab.create();
    const recording = await startRecording(['-i', 'lo', '--sources', sources], { netns });
    const { code, err } = await startChild(netns.command('python3', '-c', TALK)).done;
    assert.equal(code, 0, err);
    await recording.nextTick();
    await recording.stop();
    const stored = query(recording.database, ROWS).map(text).sort();
    const wanted = [
      '0 100000 100000 7', // it closed first, so it had not heard the other's FIN when it ended; nor is there one without data
      '0 0 0 0',
      UNTOLD, // it reset the connection: the kernel has forgotten
      '1 7 7 100001', // with the FIN
      '1 0 0 0',
      '1 0 0 5', // reset: no FIN came
    ].sort();
    // What a look at the tables finds in TIME_WAIT has another cookie there, and nothing is told of it.
    const isTold = (row: string): boolean => row !== UNTOLD;
    assert.deepEqual(stored.filter(isTold), wanted.filter(isTold));
    assert.ok(stored.includes(UNTOLD));
  });
}
