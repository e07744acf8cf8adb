/** Who the users of a container are that is about to start: by its own files, as they are now. */
import { lstatSync, readdirSync } from 'node:fs';
import { type ImageDirectories, openImageFile } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import type { ImageRoot } from '../image-root.ts';
import { parseUserFiles, readUserFile, type UserFiles } from '../spec/user-files.ts';
import type { ReadUsers } from './decide.ts';

/** As the image has them: for a container that has changed nothing yet. */
export const readImageUsers: ReadUsers = rememberUsers;

/** As the container has them. */
export const readUsers: ReadUsers = (image, upper) => {
  return hasChanges(upper) ? readIn({ ...image, layers: [...image.layers, upper] }) : rememberUsers(image);
};

function hasChanges(upper: string): boolean {
  try {
    return readdirSync(upper).length > 0;
  } catch (error) {
    // It has just been removed, and only looked at.
    if (!hasCode(error, 'ENOENT')) throw error;
    return false;
  }
}

/** How many images' user files are kept. */
const MAX_REMEMBERED = 32;

const remembered = new Map<string, { readonly stamp: string; readonly files: UserFiles }>();

/**
 * What was read of an image is kept; of one that may change, as long as its files have not. That is seen in a tenth of
 * the time.
 */
function rememberUsers(image: ImageRoot): UserFiles {
  const { layers, mayChange } = image;
  const key = layers.join('\0');
  const names = mayChange ? layers.flatMap((layer) => [`${layer}/etc/passwd`, `${layer}/etc/group`]) : [];
  const stamp = names.map(stampOf).join();
  const known = remembered.get(key);
  if (known?.stamp === stamp && !stamp.includes(UNKNOWN)) return known.files;
  const files = readIn(image);
  const oldest = remembered.keys().next().value;
  if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  remembered.set(key, { stamp, files });
  return files;
}

/** Of what is read each time. */
const UNKNOWN = '?';

/** Another one when a file has changed. Whether what a link leads to has is not seen. */
function stampOf(path: string): string {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true) return UNKNOWN;
    return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
  } catch (error) {
    // What it is that cannot be looked at is found out when it is read.
    return String((error as NodeJS.ErrnoException).code);
  }
}

function readIn(image: ImageDirectories): UserFiles {
  return parseUserFiles(readText(image, 'etc/passwd'), readText(image, 'etc/group'));
}

function readText(image: ImageDirectories, path: string): string {
  try {
    const file = openImageFile(image, path);
    return file === undefined ? '' : (readUserFile(file, path) ?? '');
  } catch (error) {
    // What is closed to this user, or of a layer that is gone, is no reason not to look at the rest.
    if (hasCode(error, 'EACCES', 'ENOENT')) return '';
    throw error;
  }
}
