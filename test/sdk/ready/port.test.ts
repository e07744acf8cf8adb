import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { accepts, lacksListener, parseListeners } from '../../../sdk/ready/port.ts';

/** As Linux 6.18 prints them: a listener on 127.0.0.1:5432, a connection, a listener on *:80. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 000 100 0 0 10 0
   1: 0100007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 000 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 4244 1 000 100 0 0 10 0
`;

/** ::1 and ::ffff:10.0.0.1. */
const TCP6 = `  sl  local_address                         remote_address                        st …
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 77 1
   1: 0000000000000000FFFF00000100000A:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 78 1
`;

test('listening sockets are read from what the kernel prints, connections are not', () => {
  expect(parseListeners(TCP)).toEqual([
    { address: Uint8Array.of(127, 0, 0, 1), port: 5432, inode: '4242' },
    { address: Uint8Array.of(0, 0, 0, 0), port: 80, inode: '4244' },
  ]);
  const [loopback, mapped] = parseListeners(TCP6);
  expect(loopback).toEqual({ address: Uint8Array.from([...Array(15).fill(0), 1]), port: 8080, inode: '77' });
  expect(mapped?.address).toEqual(Uint8Array.from([...Array(10).fill(0), 255, 255, 10, 0, 0, 1]));
  expect(parseListeners('')).toEqual([]);
});

test.each([
  ['0.0.0.0', '127.0.0.1', true],
  ['0.0.0.0', '::1', false],
  ['::', '127.0.0.1', true],
  ['::', 'fe80::1', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['127.0.0.1', undefined, true],
  ['::1', '127.0.0.1', false],
  ['::ffff:10.0.0.1', '10.0.0.1', true],
])('a listener on %s, asked at %s: %s', async (address, host, isReached) => {
  const { addressBytes } = await import('../../../sdk/engine/address.ts');
  expect(accepts({ address: addressBytes(address), port: 1, inode: '1' }, host)).toBe(isReached);
});

test('what listens in the network of a process is seen, and what does not is said', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  expect(lacksListener(process.pid, { port }, true)).toBeUndefined();
  expect(lacksListener(process.pid, { port }, false)).toBeUndefined();
  expect(lacksListener(process.pid, { port, host: '::1' }, true)).toBe('something listens, but on another address');
  await new Promise((resolve) => server.close(resolve));
  expect(lacksListener(process.pid, { port }, true)).toMatch(/no port is listened on|listened on are/);
});
