import { expect, test } from 'vitest';
import { Image, Registry } from '../../sdk/index.ts';

/** What a caller without types may pass. */
const untyped = (value: unknown) => value as never;
const pull = (options: unknown) => Image.pull('alpine', untyped(options));
const load = (options: unknown) => Image.load('/image.tar', untyped(options));
const imported = (options: unknown) => Image.import('/root.tar', untyped(options));
const host = Image.host();

test.for([
  ['an unknown option', () => pull({ foo: 1 }), /^unknown option 'foo'; there are .*policy/],
  ['an unknown policy', () => pull({ policy: 'sometimes' }), /^option 'policy' must be 'always'.*, got "sometimes"/],
  ['a platform of one word', () => pull({ platform: 'arm64' }), /^option 'platform' must be as 'linux\/arm64'/],
  ['a platform without an architecture', () => pull({ platform: { os: 'linux' } }), /^option 'platform'/],
  ['retries that are no number', () => pull({ retries: 'x' }), /^option 'retries' must be a number from 0, got "x"/],
  [
    'a mirror that is none',
    () => pull({ registries: [{ prefix: 'a.io', mirror: 'b.io' }] }),
    /^unknown registries\[0\]\.mirror; there are prefix, location, mirrors/,
  ],
  ['a rule for nothing', () => pull({ registries: [{ location: 'b.io' }] }), /^registries\[0\] must have a prefix/],
  ['a rule that is a string', () => pull({ registries: ['b.io'] }), /^registries\[0\] must be an object, got "b\.io"/],
  ['an unknown limit', () => pull({ limits: { maxEntry: 1 } }), /^unknown limits\.maxEntry; there are .*maxEntries/],
  ['a limit that is no number', () => pull({ limits: { maxEntries: 'x' } }), /^limits\.maxEntries must be a positive/],
  ['a reference that is a number', () => Image.pull(untyped(5)), /^reference must be a string, got 5/],
  ['load with what only pull has', () => load({ policy: 'never' }), /^unknown option 'policy'/],
  ['load of a stream', () => Image.load(untyped({})), /^source must be a path, a file URL or bytes/],
  ['import with a tag', () => imported({ tag: 'x' }), /^unknown option 'tag'; there are .*reference/],
  ['import with the words of an image', () => imported({ config: { Cmd: ['x'] } }), /^unknown config\.Cmd/],
  ['import at a time that is none', () => imported({ created: 'x' }), /^option 'created' must be a Date, got "x"/],
  ['import of a number', () => Image.import(untyped(1)), /^source must be a path, a file URL, bytes or an async/],
  ['another format', () => host.save('/x', untyped({ format: 'zip' })), /^option 'format' must be 'oci' or 'docker'/],
  ['a name where images are saved', () => Image.save(untyped('name'), '/x'), /^images must be an array/],
  ['no images to save', () => Image.save([], '/x'), /^images must be an array of one or more/],
  ['a number to save to', () => host.save(untyped(1)), /^destination must be a path or a stream/],
  ['get of nothing', () => Image.get(untyped(undefined)), /^reference must be a string, got undefined/],
  ['a tag that is nothing', () => host.tag(untyped(undefined)), /^reference must be a string/],
  ['a push to a number', () => host.push(untyped(1)), /^to must be a string, got 1/],
  ['an unknown option of push', () => host.push('a', untyped({ platform: 'x' })), /^unknown option 'platform'/],
  ['an unknown option of remove', () => host.remove(untyped({ forced: true })), /^unknown option 'forced'/],
  ['prune of all', () => Image.prune(untyped({ images: 'all' })), /^option 'images' must be 'untagged' or 'unused'/],
  ['a filter that is none', () => Image.list(untyped({ name: 'x' })), /^unknown filter\.name; there are reference/],
  ['tags of nothing', () => Registry.tags(untyped(undefined)), /^repository must be a string/],
  [
    'an option of other methods of Registry',
    () => Registry.tags('a', untyped({ artifactType: 'x' })),
    /^unknown option/,
  ],
  [
    'referrers of a kind that is a number',
    () => Registry.referrers('a', untyped({ artifactType: 1 })),
    /'artifactType'/,
  ],
  ['delete with an unknown option', () => Registry.delete('a', untyped({ force: true })), /^unknown option 'force'/],
] as const)('%s is a TypeError', async ([, attempt, message]) => {
  const error = expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) });
  await expect(attempt()).rejects.toEqual(error);
});

test.for([
  ['of other names', { user: 'me', pass: 'hidden' }, 'an object with user, pass'],
  ['without a password', { username: 'hidden' }, 'an object with username'],
  ['that are one string', 'me:hidden', 'what is no object'],
] as const)('credentials %s are refused, and not shown', async ([, credentials, got]) => {
  const error = await pull({ credentials }).catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining(`got ${got}`) });
  expect(String((error as Error).stack)).not.toContain('hidden');
});
