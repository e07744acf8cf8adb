import { expect, test } from 'vitest';
import { formatPlatform } from '../../store/manifest.ts';
import { machinePlatform, selectPlatform } from '../../store/platform.ts';

const linux = (architecture: string, variant?: string) => ({
  platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
});
const select = (wanted: ReturnType<typeof linux>, ...candidates: ReturnType<typeof linux>[]) =>
  selectPlatform(candidates, wanted.platform, 'the image').map(({ platform }) => formatPlatform(platform));

test("Node's names of architectures are turned into Go's", () => {
  expect(machinePlatform('x64')).toEqual({ os: 'linux', architecture: 'amd64' });
  expect(machinePlatform('arm64')).toEqual({ os: 'linux', architecture: 'arm64' });
});

test('the image of the architecture is chosen', () => {
  expect(select(linux('arm64'), linux('amd64'), linux('arm64', 'v8'))).toEqual(['linux/arm64/v8']);
});

test('the variant that every machine is comes before one that some are', () => {
  expect(select(linux('amd64'), linux('amd64', 'v3'), linux('amd64'))).toEqual(['linux/amd64']);
  expect(select(linux('amd64'), linux('amd64', 'v3'))).toEqual(['linux/amd64/v3']);
});

test('a variant that was asked for is the one that is given', () => {
  expect(select(linux('arm', 'v6'), linux('arm', 'v7'), linux('arm', 'v6'))).toEqual(['linux/arm/v6']);
});

test('a variant runs what is for the ones before it, the latest of them first', () => {
  const variants = [linux('arm', 'v5'), linux('arm', 'v6'), linux('arm', 'v7')];
  expect(select(linux('arm', 'v8'), ...variants)).toEqual(['linux/arm/v7']);
  expect(select(linux('arm'), ...variants)).toEqual(['linux/arm/v7']);
  expect(select(linux('arm'), linux('arm', 'v5'), linux('arm', 'v6'))).toEqual(['linux/arm/v6']);
  expect(select(linux('amd64', 'v3'), linux('amd64'), linux('amd64', 'v2'), linux('amd64', 'v4'))).toEqual([
    'linux/amd64/v2',
  ]);
  expect(() => select(linux('arm', 'v6'), linux('arm', 'v7'))).toThrow('not for linux/arm/v6');
});

test('where there is none, the error names those there are', () => {
  const attestation = { platform: { os: 'unknown', architecture: 'unknown' } };
  expect(() => select(linux('s390x'), linux('amd64'), linux('arm', 'v7'), attestation)).toThrow(
    'the image is not for linux/s390x, but for linux/amd64, linux/arm/v7, unknown/unknown',
  );
});
