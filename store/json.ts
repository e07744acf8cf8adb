/** Reads JSON that others wrote: nothing in it has a type before it was looked at. */
import { CaissonError } from '../syscalls/index.ts';

/** An object of JSON, its members unknown. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An error that says which document is wrong and where. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}

/**
 * Parses a document and reads it with `read`, which may throw {@link DocumentError}.
 *
 * @param what names the document in the error: `image manifest sha256:…`
 * @throws CaissonError IMAGE_INVALID
 */
export function parseDocument<T>(text: string | Uint8Array, what: string, read: (document: JsonObject) => T): T {
  return parseJson(text, what, (value) => read(asObject(value, 'the document')));
}

/** {@link parseDocument} for what need not be an object. */
export function parseJson<T>(text: string | Uint8Array, what: string, read: (value: unknown) => T): T {
  try {
    return read(JSON.parse(typeof text === 'string' ? text : new TextDecoder().decode(text)));
  } catch (error) {
    if (!(error instanceof DocumentError || error instanceof SyntaxError)) throw error;
    throw new CaissonError('IMAGE_INVALID', `${what} is not valid: ${error.message}`, { cause: error });
  }
}

/** An object, and neither null nor an array. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new DocumentError(`${what} must be an object, got ${brief(value)}`);
}

/** An array whose items `read` takes. */
export function asArray<T>(value: unknown, what: string, read: (item: unknown, what: string) => T): T[] {
  if (!Array.isArray(value)) throw new DocumentError(`${what} must be an array, got ${brief(value)}`);
  return value.map((item, index) => read(item, `${what}[${index}]`));
}

export function asString(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new DocumentError(`${what} must be a string, got ${brief(value)}`);
}

/** A whole number, not negative, that a double holds exactly. */
export function asCount(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new DocumentError(`${what} must be a whole number, got ${brief(value)}`);
}

/** An object whose members are all strings. */
export function asStrings(value: unknown, what: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(value, what));
  return Object.freeze(Object.fromEntries(entries.map(([key, item]) => [key, asString(item, `${what}.${key}`)])));
}

/** What `read` makes of a member; undefined where it is missing or null, as Go writes what is empty. */
export function optional<T>(value: unknown, what: string, read: (value: unknown, what: string) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value, what);
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
