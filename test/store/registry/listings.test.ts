import { expect, test } from 'vitest';
import { digestOf } from '../../../store/digest.ts';
import { listReferrers, listRemoteTags } from '../../../store/registry/index.ts';
import { startFaultyRegistry } from './support/faulty-registry.ts';
import { QUICK } from './support/serve-image.ts';

test('tags that come in pages are all listed', async (context) => {
  const pages = [['a', 'b'], ['c', 'd'], ['e']];
  const { host, asked } = await startFaultyRegistry(context, {
    answer({ query }, response) {
      const page = Number(query.get('page') ?? 0);
      if (page < 2) response.setHeader('link', `</v2/me/app/tags/list?page=${page + 1}>; rel="next"`);
      response.end(JSON.stringify({ name: 'me/app', tags: pages[page] }));
    },
  });
  expect(await listRemoteTags(`${host}/me/app`, QUICK)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(asked).toHaveLength(3);
});

test('a next page at another server is not asked for', async (context) => {
  const other = await startFaultyRegistry(context, {});
  const { host } = await startFaultyRegistry(context, {
    answer(_, response) {
      response.setHeader('link', `<http://${other.host}/v2/me/app/tags/list>; rel="next"`);
      response.end('{"tags":["a"]}');
    },
  });
  expect(await listRemoteTags(`${host}/me/app`, QUICK)).toEqual(['a']);
  expect(other.asked).toEqual([]);
});

test('a repository without tags has none', async (context) => {
  const { host } = await startFaultyRegistry(context, { answer: (_, response) => void response.end('{"tags":null}') });
  expect(await listRemoteTags(`${host}/me/app`, QUICK)).toEqual([]);
});

test('what refers to an image is what the registry says, of the kind that is asked for', async (context) => {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const referrers = ['application/x-a', 'application/x-b'].map((artifactType) => ({
    mediaType,
    digest: digestOf(artifactType),
    size: 1,
    artifactType,
  }));
  const { host, asked } = await startFaultyRegistry(context, {
    answer: (_, response) => void response.end(JSON.stringify({ schemaVersion: 2, manifests: referrers })),
  });
  const name = `${host}/me/app@${digestOf('image')}`;
  expect(await listReferrers(name, QUICK)).toEqual(referrers);
  expect(await listReferrers(name, { ...QUICK, artifactType: 'application/x-b' })).toEqual([referrers[1]]);
  expect(asked.at(-1)).toMatchObject({ path: `/v2/me/app/referrers/${digestOf('image')}` });
});
