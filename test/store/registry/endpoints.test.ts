import { describe, expect, test } from 'vitest';
import { parseReference } from '../../../store/reference.ts';
import { endpointsOf, formatEndpoint, isLoopback } from '../../../store/registry/endpoints.ts';
import { nextPage } from '../../../store/registry/pages.ts';
import { mayFollow } from '../../../store/registry/redirect.ts';

describe('an image is looked for', () => {
  const rules = [
    { prefix: 'docker.io', mirrors: ['mirror.example.com', 'cache.example.com/hub'] },
    { prefix: 'docker.io/library/debian', location: 'intern.example.com/debian' },
    { prefix: 'old.example.com/a', location: 'new.example.com/b/c' },
  ];

  test.for([
    ['example.com/a/b', ['example.com/a/b']],
    [
      'alpine',
      [
        'mirror.example.com/library/alpine',
        'cache.example.com/hub/library/alpine',
        'registry-1.docker.io/library/alpine',
      ],
    ],
    ['debian', ['intern.example.com/debian']],
    ['old.example.com/a/x', ['new.example.com/b/c/x']],
    ['old.example.com/ab', ['old.example.com/ab']],
  ] as const)('%s at %j', ([name, places]) => {
    expect(endpointsOf(parseReference(name), rules).map(formatEndpoint)).toEqual(places);
  });
});

test.for([
  ['localhost', true],
  ['localhost:5000', true],
  ['127.0.0.1', true],
  ['127.1.2.3:5000', true],
  ['[::1]:5000', true],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com:5000', false],
  ['[::2]', false],
  ['10.0.0.1:5000', false],
] as const)('%s is loopback: %s', ([host, is]) => {
  expect(isLoopback(host)).toBe(is);
});

test.for([
  ['https://a', 'https://b', false, true],
  ['http://127.0.0.1', 'https://b', false, true],
  ['http://127.0.0.1', 'http://127.0.0.1:5000', false, true],
  ['http://127.0.0.1', 'http://b', false, false],
  ['http://a', 'http://b', true, true],
  ['https://a', 'http://a', true, false],
  ['https://a', 'http://127.0.0.1', true, false],
  ['http://127.0.0.1', 'ftp://127.0.0.1', true, false],
] as const)('a redirect from %s to %s (insecure: %s) is followed: %s', ([from, to, insecure, is]) => {
  expect(mayFollow(new URL(from), new URL(to), insecure)).toBe(is);
});

test.for([
  ['</v2/a/tags/list?n=2&last=b>; rel="next"', 'https://a/v2/a/tags/list?n=2&last=b'],
  ['<http://a/v2/x>; rel=next', 'https://a/v2/x'],
  ['<https://elsewhere/v2/x>; rel="next"', undefined],
  ['</v2/a/tags/list>; rel="next"', undefined],
  ['</v2/x>; rel="prev"', undefined],
  [undefined, undefined],
] as const)('after a page with the link %s comes %s', ([header, next]) => {
  expect(nextPage(header, new URL('https://a/v2/a/tags/list'))?.href).toBe(next);
});
