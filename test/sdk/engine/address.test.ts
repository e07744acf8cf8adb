import { expect, test } from 'vitest';
import { addressBytes, tcpAddress, unixAddress } from '../../../sdk/engine/address.ts';

test.each([
  ['127.0.0.1', '7f000001'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['fe80::1:2', 'fe800000000000000000000000010002'],
  ['2001:db8::', '20010db8000000000000000000000000'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
])('%s is %s', (host, bytes) => {
  expect(Buffer.from(addressBytes(host)).toString('hex')).toBe(bytes);
});

test('addresses of sockets are as the kernel reads them', () => {
  const hex = ({ bytes }: { bytes: { bytes: Uint8Array } }) => Buffer.from(bytes.bytes).toString('hex');
  expect(hex(tcpAddress('127.0.0.1', 0x1538))).toBe('020015387f0000010000000000000000');
  expect(hex(tcpAddress('::1', 80))).toBe(`0a00005000000000${'0'.repeat(31)}100000000`);
  expect(hex(unixAddress('/a'))).toBe(`01002f61${'00'.repeat(106)}`);
  expect(tcpAddress('::1', 80).name).toBe('[::1]:80');
});
