import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeSkeleton } from '../../../sdk/host/write.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { fakeHost } from './fake-host.ts';

const NODES = [
  { kind: 'directory', path: '/etc', mode: 0o755 },
  { kind: 'copy', path: '/etc/ssl' },
] as const;

test('what is public is copied: files, directories, links as they are', (context) => {
  const into = temporaryDirectory(context);
  const host = fakeHost(context, {
    'etc/ssl': { mode: 0o775 },
    'etc/ssl/openssl.cnf': ['config', 0o664],
    'etc/ssl/hook': ['#!/bin/sh', 0o4755],
    'etc/ssl/certs': { mode: 0o755 },
    'etc/ssl/certs/a.pem': ['-----BEGIN CERTIFICATE-----', 0o644],
    'etc/ssl/certs/b.pem': { target: '/usr/share/ca-certificates/b.crt' },
  });
  writeSkeleton(NODES, into, host);
  expect(readFileSync(join(into, 'etc/ssl/openssl.cnf'), 'utf8')).toBe('config');
  expect(readFileSync(join(into, 'etc/ssl/certs/a.pem'), 'utf8')).toBe('-----BEGIN CERTIFICATE-----');
  expect(readlinkSync(join(into, 'etc/ssl/certs/b.pem'))).toBe('/usr/share/ca-certificates/b.crt');
  const mode = (name: string) => lstatSync(join(into, name)).mode & 0o7777;
  expect(['etc/ssl', 'etc/ssl/openssl.cnf', 'etc/ssl/hook'].map(mode)).toEqual([0o755, 0o644, 0o755]);
});

test('what is not public is left out, also for root; so are links to manual pages', (context) => {
  const into = temporaryDirectory(context);
  const host = fakeHost(context, {
    'etc/ssl': { mode: 0o755 },
    'etc/ssl/owner-only': ['secret', 0o600],
    'etc/ssl/group-only': ['secret', 0o640],
    'etc/ssl/both.pem': ['-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n', 0o644],
    'etc/ssl/site.key': ['0\x82', 0o644],
    'etc/ssl/site.P12': ['0\x82', 0o644],
    'etc/ssl/private/public.pem': ['-----BEGIN CERTIFICATE-----', 0o644],
    'etc/ssl/listed-only': { mode: 0o754 },
    'etc/ssl/awk.1.gz': { target: '/usr/share/man/man1/mawk.1.gz' },
    'etc/ssl/kept': ['', 0o644],
  });
  execFileSync('chmod', ['710', join(host, 'etc/ssl/private')]);
  execFileSync('mkfifo', [join(host, 'etc/ssl/fifo')]);
  writeSkeleton(NODES, into, host);
  expect(readdirSync(join(into, 'etc/ssl'))).toEqual(['kept']);
});

test('what has gone since it was listed is left out', (context) => {
  const into = temporaryDirectory(context);
  writeSkeleton(NODES, into, fakeHost(context, {}));
  expect(existsSync(join(into, 'etc/ssl'))).toBe(false);
});
