import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installDebianPackages } from './debian-packages.ts';
import { makeTestImages, type TestImages } from './test-images.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The images of this run: `inject('images').busybox`. */
    readonly images: TestImages;
    /** The directory of this run, removed at its end; readable by every user. */
    readonly runDirectory: string;
  }
}

/** Before the first test of a run: packages, images. */
export default function setup(project: TestProject): () => void {
  installDebianPackages();
  const directory = mkdtempSync(join(tmpdir(), 'caisson-test-run-'));
  chmodSync(directory, 0o755);
  project.provide('runDirectory', directory);
  project.provide('images', makeTestImages(join(directory, 'images')));
  return () => rmSync(directory, { recursive: true, force: true });
}
