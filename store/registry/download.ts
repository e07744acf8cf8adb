/** Blobs as they come from a registry: taken up again where a connection was lost, and dropped where it only drips. */
import { CaissonError } from '../../syscalls/index.ts';
import type { Descriptor } from '../manifest.ts';
import { describeRequest, type HttpResponse, headerOf } from './http.ts';
import { explainNetworkError } from './network-error.ts';
import { pauseBeforeRetry } from './retry.ts';
import type { Repository } from './session.ts';

/** Slower than this, over the time that a registry may say nothing, is as good as nothing. */
const MIN_BYTES_PER_SECOND = 1024;
/** After so many more bytes, what failed before is forgotten. */
const BYTES_OF_PROGRESS = 1024 * 1024;

/**
 * The content of a blob, not verified. It has at most one byte more than it should: whoever verifies it sees that.
 *
 * @param signal ends it; so does who stops reading
 * @throws CaissonError NOT_FOUND, SIZE_MISMATCH, CONNECTION_LOST, REGISTRY_TIMEOUT …
 */
export async function* downloadBlob(
  repository: Repository,
  { digest, size }: Descriptor,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  let received = 0;
  for (let attempt = 0; ; attempt++) {
    const begin = received;
    try {
      const response = await repository.requestOnce({
        method: 'GET',
        path: `blobs/${digest}`,
        headers: received === 0 ? {} : { range: `bytes=${received}-` },
        expect: [200, 206],
        signal: signal ?? repository.retryPolicy.signal,
      });
      const start = startOf(response, received, { digest, size });
      for await (const chunk of withoutDripping(response, repository.timeoutMs, start)) {
        const { position, bytes } = chunk;
        const fresh =
          position + bytes.length <= received ? undefined : bytes.subarray(Math.max(0, received - position));
        if (fresh === undefined) continue;
        received += fresh.length;
        yield fresh;
      }
      return;
    } catch (error) {
      // Nothing is missing, or what is missing was never there.
      if (received >= size && size > 0) return;
      if (received - begin >= BYTES_OF_PROGRESS) attempt = 0;
      await pauseBeforeRetry(
        { ...repository.retryPolicy, signal: signal ?? repository.retryPolicy.signal },
        attempt,
        error,
      );
    }
  }
}

/** Where in the blob an answer begins: a registry may ignore that only the rest is asked for. */
function startOf(response: HttpResponse, wanted: number, { digest, size }: { digest: string; size: number }): number {
  const length = headerOf(response, 'content-length');
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headerOf(response, 'content-range') ?? '');
  const start = response.status === 206 ? Number(range?.[1]) : 0;
  const total = response.status === 206 ? range?.[2] : length;
  const fails = (code: string, reason: string) => {
    // Nobody else hears that it ends early.
    response.body.on('error', () => {}).destroy();
    return new CaissonError(code, `${response.url.host} gives blob ${digest} ${reason}`);
  };
  if (Number.isNaN(start)) throw fails('REGISTRY_ERROR', 'in part, and does not say which');
  if (start !== 0 && start !== wanted) throw fails('REGISTRY_ERROR', `from byte ${start} instead of ${wanted}`);
  if (total !== undefined && total !== '*' && Number(total) !== size) {
    throw fails('SIZE_MISMATCH', `with ${total} bytes; it should have ${size} bytes`);
  }
  return start;
}

/** Silence is undici's to notice; this notices what is barely more. Only time spent waiting for the registry counts. */
async function* withoutDripping(response: HttpResponse, timeoutMs: number, start: number) {
  let position = start;
  let waitedMs = 0;
  let bytesMeanwhile = 0;
  const request = describeRequest('GET', response.url);
  const chunks: AsyncIterator<Buffer> = response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const before = performance.now();
      const { value: bytes, done } = await chunks.next();
      if (done === true) return;
      waitedMs += performance.now() - before;
      yield { position, bytes };
      position += bytes.length;
      bytesMeanwhile += bytes.length;
      if (waitedMs < timeoutMs) continue;
      if (bytesMeanwhile < (MIN_BYTES_PER_SECOND * waitedMs) / 1000) {
        throw new CaissonError(
          'REGISTRY_TIMEOUT',
          `${request}: only ${bytesMeanwhile} bytes came in ${Math.round(waitedMs / 1000)} seconds`,
        );
      }
      waitedMs = 0;
      bytesMeanwhile = 0;
    }
  } catch (error) {
    throw explainNetworkError(error, request);
  } finally {
    await chunks.return?.();
  }
}
