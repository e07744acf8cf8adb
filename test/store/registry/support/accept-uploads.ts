import type { ServerResponse } from 'node:http';
import { digestOf } from '../../../../store/digest.ts';
import type { Files } from '../../support/image.ts';
import type { Answer, Asked } from './faulty-registry.ts';

/** A registry that takes what it is given, in one piece or in several, into `files`. */
export function acceptUploads(files: Files): Answer {
  const uploads = new Map<string, Buffer>();
  let count = 0;
  const append = async (request: Asked, id: string) => {
    const bytes = Buffer.concat([uploads.get(id) ?? Buffer.alloc(0), await request.body()]);
    uploads.set(id, bytes);
    return bytes;
  };
  const where = (id: string) => ({
    location: `/v2/me/app/blobs/uploads/${id}`,
    range: `0-${Math.max(0, (uploads.get(id)?.length ?? 0) - 1)}`,
  });
  const take = async (request: Asked, response: ServerResponse): Promise<void> => {
    const id = request.path.split('/').at(-1) ?? '';
    if (request.method === 'POST') response.writeHead(202, where(String(++count))).end();
    else if (request.method === 'GET') response.writeHead(204, where(id)).end();
    else if (request.method === 'DELETE') response.writeHead(204).end();
    else {
      const bytes = await append(request, id);
      const digest = request.query.get('digest') ?? digestOf(bytes);
      if (request.method === 'PATCH') return void response.writeHead(202, where(id)).end();
      if (digest !== digestOf(bytes)) return void response.writeHead(400).end();
      files.set(`blobs/${digest.replace(':', '/')}`, bytes);
      response.writeHead(201).end();
    }
  };
  const takeManifest = async (request: Asked, response: ServerResponse) => {
    const bytes = await request.body();
    files.set(`blobs/${digestOf(bytes).replace(':', '/')}`, bytes);
    response.writeHead(201, { 'docker-content-digest': digestOf(bytes) }).end();
  };
  return (request, response, honest) => {
    if (request.path.includes('/blobs/uploads/')) void take(request, response);
    else if (request.method === 'PUT') void takeManifest(request, response);
    else honest();
  };
}
