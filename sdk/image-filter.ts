/** Which images a list is of. */
import { newName } from '../store/transfer.ts';
import type { ImageFilter, ImageInfo } from './image-options.ts';

/** Whether an image is to be listed: it is all that the filter says. */
export function isListedImage({ references, labels = {} }: ImageInfo, { reference, label = {} }: ImageFilter): boolean {
  const has = ([key, value]: [string, string | true]) =>
    Object.hasOwn(labels, key) && (value === true || labels[key] === value);
  if (!Object.entries(label).every(has)) return false;
  if (reference === undefined) return true;
  if (typeof reference === 'string') return references.includes(newName(reference));
  return references.some((name) => name.search(reference) !== -1);
}
