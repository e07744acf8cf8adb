import { expect, test } from 'vitest';
import { type Readiness, ready } from '../../../sdk/ready/index.ts';
import { describeCondition, describeMissing, watched } from '../../../sdk/ready/wait.ts';

test.each<[Readiness, string]>([
  [ready.port(80), 'port 80'],
  [ready.port(80, { host: '::1' }), 'port 80 at ::1'],
  [ready.log('up'), "a line of output with 'up'"],
  [ready.log(/up/, { times: 2, stream: 'stderr' }), '2 lines of stderr with /up/'],
  [ready.http({ port: 443, path: '/health', tls: true }), 'https on port 443, /health'],
  [ready.http({ port: 80, host: '::1' }), 'http on port 80 at ::1, /'],
  [ready.exec(['pg_isready', '-q']), 'success of ["pg_isready","-q"]'],
  [ready.exit(), 'exit code 0'],
  [ready.all(ready.port(1), ready.healthy()), 'port 1 and a passed health check'],
  [ready.any(ready.port(1), ready.port(2)), 'port 1 or port 2'],
  [
    ready.check(function answers() {
      return true;
    }),
    "check 'answers'",
  ],
])('%o is %s', (readiness, text) => {
  expect(describeCondition(readiness)).toBe(text);
});

test('what is missing is said with what was last seen; what is met is not', () => {
  const all = watched(ready.all(ready.port(1), ready.log('up'), ready.any(ready.port(2), ready.port(3))));
  Object.assign(all.of[0] as object, { isMet: true });
  Object.assign(all.of[1] as object, { lastSeen: 'no line' });
  expect(describeMissing(all)).toBe("a line of output with 'up' (no line) and one of (port 2, port 3)");
});
