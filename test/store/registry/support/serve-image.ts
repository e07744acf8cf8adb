import { createCipheriv } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { openStore, type Store } from '../../../../store/layout.ts';
import { type PullImageOptions, pullImage } from '../../../../store/pull.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { addImage, type Files, type ImageParts } from '../../support/image.ts';
import { type Answer, type Asked, startFaultyRegistry } from './faulty-registry.ts';

/** What a patient user would not set. */
export const QUICK = { retryDelayMs: 1 } as const;

/** Content that cannot be compressed, so that it comes in pieces; always the same. */
export const NOISE = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(300_000));

/** An empty store. */
export function newStore(context: TestContext): Store {
  return openStore(join(temporaryDirectory(context), 'store'));
}

/** How many blobs, layers and unfinished things a store has. */
export function counts(store: Store): number[] {
  return [store.blobs, store.layers, store.tmp].map((path) => readdirSync(path).length);
}

/** Serves one image as `me/app:v1`; of its blobs, its layer is the only big one. */
export async function serveImage(
  context: TestContext,
  parts: ImageParts = { layers: [[{ name: 'a', content: NOISE }]] },
  answer?: (files: Files) => Answer,
) {
  const files: Files = new Map();
  const { digest } = addImage(files, parts);
  const behaviour = answer === undefined ? {} : { answer: answer(files) };
  const { host, asked } = await startFaultyRegistry(context, { files, tags: { v1: digest }, ...behaviour });
  const store = newStore(context);
  const name = `${host}/me/app:v1`;
  const pull = (options: PullImageOptions = {}) => pullImage(store, name, { ...QUICK, ...options });
  return { host, asked, files, digest, store, name, pull };
}

/** The blob that is asked for, where it is the big one. */
export function bigBlob(files: Files, { path }: Asked): Buffer | undefined {
  const bytes = files.get(path.replace(/.*\/blobs\/sha256:/, 'blobs/sha256/'));
  return path.includes('/blobs/') && bytes !== undefined && bytes.length > 1000 ? bytes : undefined;
}
