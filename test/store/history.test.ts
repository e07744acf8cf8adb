import { expect, test } from 'vitest';
import { imageHistory, inspectImage } from './support/doors.ts';
import { storeOfImages } from './support/images.ts';

/** What is beside the platform at the top of the configuration. */
const document = (history: unknown) => ({
  platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch, history } as never,
});

test('steps are told last first, each with the layer that came of it', async (context) => {
  const { store, load } = storeOfImages(context);
  const history = [
    { created: '2024-01-01T00:00:00Z', created_by: 'ADD file / ', comment: 'base' },
    { created: '2024-01-02T00:00:00Z', created_by: 'ENV A=1', empty_layer: true },
    { created_by: 'RUN make', author: 'me' },
  ];
  await load({ ...document(history), layers: [[{ name: 'a' }], [{ name: 'b' }]] }, 'app');
  const [base, made] = inspectImage(store, 'app').layers;
  expect(imageHistory(store, 'app')).toEqual([
    { createdBy: 'RUN make', comment: '', author: 'me', size: made?.size, diffId: made?.diffId },
    { createdBy: 'ENV A=1', comment: '', created: new Date('2024-01-02T00:00:00Z'), size: 0 },
    {
      createdBy: 'ADD file / ',
      comment: 'base',
      created: new Date('2024-01-01T00:00:00Z'),
      size: base?.size,
      diffId: base?.diffId,
    },
  ]);
});

test('layers that no step speaks of are told all the same', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({ ...document([{ created_by: 'RUN make' }]), layers: [[{ name: 'a' }], [{ name: 'b' }]] }, 'app');
  const diffIds = inspectImage(store, 'app').layers.map(({ diffId }) => diffId);
  expect(imageHistory(store, 'app')).toMatchObject([
    { createdBy: 'RUN make', diffId: diffIds[1] },
    { createdBy: '', diffId: diffIds[0] },
  ]);
  await load({ layers: [[{ name: 'c' }]] }, 'untold');
  expect(imageHistory(store, 'untold')).toMatchObject([{ createdBy: '', comment: '' }]);
});

test('a history with more steps than layers has no layer twice', async (context) => {
  const { store, load } = storeOfImages(context);
  await load(
    { ...document([{ created_by: '1' }, { created_by: '2' }, { created_by: '3' }]), layers: [[{ name: 'a' }]] },
    'app',
  );
  expect(imageHistory(store, 'app').map(({ diffId }) => diffId !== undefined)).toEqual([true, false, false]);
});

test.for([
  ['an object', {}],
  ['a list of strings', ['RUN make']],
  ['a step whose command is a number', [{ created_by: 1 }]],
  ['a step that is half empty', [{ empty_layer: 'yes' }]],
] as const)('a history that is %s is refused, and the image works', async ([, history], context) => {
  const { store, load } = storeOfImages(context);
  const { layers } = await load(document(history), 'app');
  expect(layers).toHaveLength(1);
  expect(() => imageHistory(store, 'app')).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }));
});
