/** A registry that has its content in memory, so that nothing it does is an operation on files. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

let address: Promise<string> | undefined;

/** Serves the image of a layout under every name; returns where: `127.0.0.1:4711`. It ends with this process. */
export function serveLayout(layout: string): Promise<string> {
  address ??= new Promise((resolve) => {
    const directory = join(layout, 'blobs/sha256');
    const blobs = new Map(readdirSync(directory).map((hex) => [`sha256:${hex}`, readFileSync(join(directory, hex))]));
    const [manifest] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
    const server = createServer((request, response) => {
      const [, kind, reference = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
      const digest = kind === 'manifests' && !reference.startsWith('sha256:') ? manifest.digest : reference;
      const bytes = blobs.get(digest);
      response.writeHead(bytes !== undefined || kind === undefined ? 200 : 404, {
        'content-type': kind === 'manifests' ? manifest.mediaType : 'application/octet-stream',
        'content-length': bytes?.length ?? 0,
      });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    });
    server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`)).unref();
  });
  return address;
}
