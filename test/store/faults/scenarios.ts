/** What is done to a store while its files fail. */
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  baseOfImage,
  createContainerDirectory,
  findImage,
  importImage,
  loadImage,
  materializeSnapshot,
  moveChanges,
  nameSnapshot,
  pruneStore,
  pullImage,
  removeContainerDirectory,
  removeImage,
  type Store,
  saveImage,
  tagImage,
  unpackImage,
} from '../support/doors.ts';
import { serveLayout } from './registry.ts';

/** One thing that is done, and what was done before. */
export interface Scenario {
  prepare(store: Store, inputs: string): Promise<unknown>;
  act(store: Store, inputs: string): Promise<unknown>;
}

/** `inputs` has `app.tar` and `other.tar`, two images that share a layer, `layout`, one of them, and `root.tar`. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  load: {
    prepare: async () => {},
    act: (store, inputs) => loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' }),
  },
  'load of an image that shares a layer': {
    prepare: (store, inputs) => loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' }),
    act: (store, inputs) => loadImage(store, join(inputs, 'other.tar'), { reference: 'app:v1' }),
  },
  pull: {
    prepare: async (_, inputs) => serveLayout(join(inputs, 'layout')),
    act: async (store, inputs) => pullImage(store, `${await serveLayout(join(inputs, 'layout'))}/app:v1`),
  },
  import: {
    prepare: async () => {},
    act: (store, inputs) =>
      importImage(store, join(inputs, 'root.tar'), { reference: 'root:v1', created: new Date(0) }),
  },
  save: {
    prepare: (store, inputs) => loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' }),
    act: (store) => saveImage(store, 'app:v1', `${store.root}-saved.tar`, { format: 'docker' }),
  },
  tag: {
    prepare: loadBoth,
    act: (store) => tagImage(store, 'app:v1', 'other:v1'),
  },
  remove: {
    prepare: loadBoth,
    act: (store) => removeImage(store, 'app:v1'),
  },
  prune: {
    prepare: async (store, inputs) => {
      await loadBoth(store, inputs);
      await tagImage(store, 'other:v1', 'app:v1');
    },
    act: (store) => pruneStore(store),
  },
  snapshot: {
    prepare: (store, inputs) => loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' }),
    act: (store) => takeSnapshot(store),
  },
  'commit of a snapshot': {
    prepare: async (store, inputs) => {
      await loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' });
      await takeSnapshot(store);
    },
    act: async (store) => {
      const id = readdirSync(store.snapshots).find((name) => /^[0-9a-f]{64}$/.test(name)) ?? '';
      await materializeSnapshot(store, id, { references: [COMMITTED] });
    },
  },
  'unpack of a layer that is missing': {
    prepare: async (store, inputs) => {
      const { layers } = await loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' });
      rmSync(layers[0] ?? '', { recursive: true });
    },
    act: (store) => unpackImage(store, 'app:v1'),
  },
};

const COMMITTED = 'docker.io/library/committed:latest';
let containers = 0;

/** A container of its own changes a file, and becomes a snapshot. */
async function takeSnapshot(store: Store): Promise<void> {
  const { digest, layers, config } = findImage(store, 'app:v1');
  const id = `box-${process.pid}-${containers++}`;
  const { upper } = createContainerDirectory(store, id, { uses: { image: digest, layers } });
  try {
    writeFileSync(join(upper, 'changed'), 'by a container');
    for (const path of [join(upper, 'changed'), upper]) utimesSync(path, 0, 0);
    const about = { snapshots: [], config, created: '2024-05-06T07:08:09Z', createdBy: 'sh' };
    const snapshot = moveChanges(store, id, { ...baseOfImage(store, digest), ...about });
    await nameSnapshot(store, snapshot, 'snapshot');
  } finally {
    await removeContainerDirectory(store, id);
  }
}

async function loadBoth(store: Store, inputs: string): Promise<void> {
  await loadImage(store, join(inputs, 'app.tar'), { reference: 'app:v1' });
  await loadImage(store, join(inputs, 'other.tar'), { reference: 'other:v1' });
  findImage(store, 'app:v1');
}
