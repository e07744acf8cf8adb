import { describe, expect, test } from 'vitest';
import { checkReadyOptions, type Readiness, ready } from '../../../sdk/ready/index.ts';

describe('conditions are plain data', () => {
  const expressions = ready.log(/up/g, { times: 2, stream: 'stderr' });

  test.each<[Readiness, unknown]>([
    [ready.port(5432), { kind: 'port', port: 5432 }],
    [ready.port(80, { host: '::1' }), { kind: 'port', port: 80, host: '::1' }],
    [expressions, { kind: 'log', pattern: /up/g, times: 2, stream: 'stderr' }],
    [ready.http({ port: 80, status: [200, 204] }), { kind: 'http', port: 80, status: [200, 204] }],
    [ready.exec(['pg_isready']), { kind: 'exec', command: ['pg_isready'] }],
    [ready.healthy(), { kind: 'healthy' }],
    [ready.exit(), { kind: 'exit', code: 0 }],
    [ready.any(ready.port(1), ready.exit(3)), { kind: 'any', of: [ready.port(1), { kind: 'exit', code: 3 }] }],
  ])('%o', (made, data) => {
    expect(made).toEqual(data);
    expect(() => checkReadyOptions({ ready: data })).not.toThrow();
    expect(() => checkReadyOptions({ ready: [data, made] })).not.toThrow();
  });
});

describe('what cannot be meant is a TypeError that names it', () => {
  test.each<[() => unknown, string]>([
    [() => ready.port(0), 'port of ready.port must be an integer from 1 to 65535, got 0'],
    [() => ready.port(80, { host: 'localhost' }), "host of ready.port must be an IP address, got 'localhost'"],
    [() => ready.log(''), "pattern of ready.log must be a text or a RegExp, got ''"],
    [() => ready.log('x', { times: 0 }), 'times of ready.log must be an integer from 1 to 4294967295, got 0'],
    [() => ready.http({ port: 80, path: '/a b' }), "path of ready.http must be a path that begins with /, got '/a b'"],
    [() => ready.http({ port: 80, host: 'fe80::1%lo' }), "host of ready.http must be an IP address, got 'fe80::1%lo'"],
    [() => ready.http({ port: 80, status: [] }), 'status of ready.http must be an integer from 100 to 599'],
    [() => ready.http({ port: 80, method: 'G\r\n' }), "method of ready.http must be a method, as 'GET'"],
    [() => ready.exec([]), 'command of ready.exec must be at least one string, got []'],
    [() => ready.exit(256), 'code of ready.exit must be an integer from 0 to 255, got 256'],
    [() => ready.all(), 'of of ready.all must be one or more conditions, got []'],
    [() => ready.any({ kind: 'wish' } as never), 'ready.any[0] must be a condition'],
    [() => ready.check('yes' as never), "check of ready.check must be a function, got 'yes'"],
    [() => checkReadyOptions({ ready: 5432 }), "option 'ready' must be a condition, as ready.port(80) gives, got 5432"],
    [() => checkReadyOptions({ ready: [{ kind: 'port' }] }), "port of option 'ready'[0] must be an integer"],
    [
      () => checkReadyOptions({ ready: { kind: 'port', port: 1, hots: '::1' } }),
      "unknown member 'hots' of option 'ready'; there are port, host",
    ],
    [
      () => checkReadyOptions({ ready: ready.any(ready.port(1), ready.log('x')), stdout: 'ignore', stderr: 'inherit' }),
      "waits for a line that cannot be seen: stdout must be 'pipe', got stdout: 'ignore', stderr: 'inherit'",
    ],
  ])('%s', (make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  test('but a stream that is not looked at may go anywhere', () => {
    expect(() => checkReadyOptions({ ready: ready.log('x', { stream: 'stderr' }), stdout: 'inherit' })).not.toThrow();
  });
});
