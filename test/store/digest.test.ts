import { describe, expect, test } from 'vitest';
import { digestOf, isDigest, parseDigest, verify } from '../../store/digest.ts';
import { collect, inChunks } from './support/streams.ts';

/** Of the five bytes `hello`: `printf hello | sha256sum`. */
const HELLO = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const hello = Buffer.from('hello');

test('a digest is the sha256 that sha256sum prints', () => {
  expect(digestOf('hello')).toBe(HELLO);
});

test.each([
  ['a path', 'sha256:../../../../etc/passwd'],
  ['a path of the right length', `sha256:${'../'.repeat(21)}a`],
  ['upper case', HELLO.toUpperCase().replace('SHA', 'sha')],
  ['63 digits', HELLO.slice(0, -1)],
  ['65 digits', `${HELLO}0`],
  ['a newline at its end', `${HELLO}\n`],
  ['another algorithm', `sha512:${'0'.repeat(128)}`],
  ['no algorithm', HELLO.slice(7)],
  ['nothing', ''],
])('%s is no digest', (_, text) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow(/not a sha256 digest/);
});

describe('a stream is verified', () => {
  test('and passes when it is what was expected', async () => {
    expect((await collect(verify(inChunks(hello, 2), { digest: HELLO, size: 5 }, 'blob'))).toString()).toBe('hello');
  });

  test.each([
    ['is too long', { digest: HELLO, size: 4 }, 'SIZE_MISMATCH', 'should have 4 bytes, but has more'],
    ['is too short', { digest: HELLO, size: 6 }, 'SIZE_MISMATCH', 'should have 6 bytes, but has only 5'],
    ['is another', { digest: digestOf('other') }, 'DIGEST_MISMATCH', `${digestOf('other')}, but has ${HELLO}`],
  ])('and fails when it %s, with what was expected and what came', async (_, expected, code, message) => {
    const error = await collect(verify(inChunks(hello, 2), expected, 'blob')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('and is not read further than the first byte too many', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 10;
        yield Buffer.alloc(10);
      }
    }
    await expect(collect(verify(endless(), { digest: HELLO, size: 25 }, 'blob'))).rejects.toThrow(/has more/);
    expect(read).toBe(30);
  });
});
