import { expect, test } from 'vitest';
import { parseChallenges } from '../../../store/registry/challenge.ts';

const bearer = (parameters: Record<string, string>) => ({ scheme: 'bearer', parameters });

test.for([
  ['Bearer realm="https://a/t",service="a"', [bearer({ realm: 'https://a/t', service: 'a' })]],
  [
    'bearer REALM="https://a/t" , scope="repository:a:pull,push"',
    [bearer({ realm: 'https://a/t', scope: 'repository:a:pull,push' })],
  ],
  [
    'Basic realm="a, b", Bearer realm="c"',
    [{ scheme: 'basic', parameters: { realm: 'a, b' } }, bearer({ realm: 'c' })],
  ],
  [
    ['Basic realm="a"', 'Bearer realm="c"'],
    [{ scheme: 'basic', parameters: { realm: 'a' } }, bearer({ realm: 'c' })],
  ],
  ['Bearer realm="a\\"b",error=invalid_token', [bearer({ realm: 'a"b', error: 'invalid_token' })]],
  [
    'Negotiate, Basic realm=x',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x' } },
    ],
  ],
  ['realm="a"', []],
  ['', []],
  [undefined, []],
] as const)('%j is read', ([header, challenges]) => {
  expect(parseChallenges(header)).toEqual(challenges);
});
