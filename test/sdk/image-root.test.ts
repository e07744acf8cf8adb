import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootOf } from '../../sdk/image-root.ts';
import { describeStore } from '../../store/index.ts';
import { describedSnapshot } from '../store/support/snapshots.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('a link that a container has put in the way of a view does not lead out of its layer', (context) => {
  const directory = temporaryDirectory(context);
  const [honest, hostile] = ['honest', 'hostile'].map((name) => join(directory, name)) as [string, string];
  mkdirSync(join(honest, 'usr'), { recursive: true });
  mkdirSync(hostile);
  symlinkSync('/etc', join(hostile, 'usr'));
  const record = { ...describedSnapshot({ base: { kind: 'host' } }), id: 'a'.repeat(64), owner: '', bootId: '' };
  const origin = { kind: 'snapshot', record, layers: [honest, hostile] } as const;
  const { layers, views } = rootOf(describeStore(join(directory, 'store')), origin, 'describe');
  expect(layers.slice(-2)).toEqual([honest, hostile]);
  expect(views.find(({ target }) => target === '/usr')?.layers).toEqual([join(honest, 'usr')]);
});
