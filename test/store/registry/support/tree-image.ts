import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../../store/digest.ts';
import { machinePlatform } from '../../../../store/platform.ts';
import { addBlob, type Files } from '../../support/image.ts';

/**
 * Makes an OCI image layout of a tree, in one layer that GNU tar and gzip wrote; with all its attributes and its times
 * to the nanosecond, which umoci rounds. Returns its path.
 */
export function layoutOfTree(directory: string, tree: string): string {
  const layout = join(directory, 'layout');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const archive = join(directory, 'layer.tar');
  execFileSync('tar', ['-c', '--format=posix', '--xattrs', '--numeric-owner', '-C', tree, '-f', archive, '.']);
  const diffId = digestOf(readFileSync(archive));
  execFileSync('gzip', ['-1', archive]);
  const layer = digestOf(readFileSync(`${archive}.gz`));
  const { size } = statSync(`${archive}.gz`);
  renameSync(`${archive}.gz`, join(layout, 'blobs', layer.replace(':', '/')));

  const oci = 'application/vnd.oci.image';
  const files: Files = new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);
  const document = {
    ...machinePlatform(),
    config: { Cmd: ['/bin/bash'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: addBlob(files, `${oci}.config.v1+json`, JSON.stringify(document)),
    layers: [{ mediaType: `${oci}.layer.v1.tar+gzip`, digest: layer, size }],
  };
  const manifests = [addBlob(files, `${oci}.manifest.v1+json`, JSON.stringify(manifest))];
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
  for (const [name, bytes] of files) writeFileSync(join(layout, name), bytes);
  return layout;
}
