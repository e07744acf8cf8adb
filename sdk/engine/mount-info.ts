/** What the kernel says of mounts: /proc/PID/mountinfo (man 5 proc_pid_mountinfo). */

/** A mount, as a process sees it. */
export interface MountInfo {
  readonly id: number;
  /** Where it is, as a path from the root of that process. No part of it is a symbolic link. */
  readonly point: string;
  /** What of its file system is seen there: `/`, or a directory. */
  readonly root: string;
  readonly isShared: boolean;
  /** Its file system: `'tmpfs'`, `'overlay'` … */
  readonly type: string;
  /** The options of its file system, not those of this mount. */
  readonly options: readonly string[];
}

/** The mounts that a text tells of, in its order: of those at one place, the last covers the others. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split('\n').filter(Boolean).map(parseLine);
}

/**
 * What hides a part of /proc or /sys: then the kernel lets no user namespace mount its own, which would show it
 * (fs/namespace.c, mount_too_revealing). Undefined when nothing does.
 */
export function hidingPlace(mounts: readonly MountInfo[]): string | undefined {
  return mounts.find(({ point }) => /^\/(proc|sys)\//.test(point) && !EMPTY_PLACES.test(point))?.point;
}

/** Directories that the kernel makes to be mounted upon: nothing is beneath. */
const EMPTY_PLACES = /^\/(proc\/(sys\/fs\/binfmt_misc|fs\/nfsd)|sys\/(fs|kernel|firmware\/efi\/efivars)(\/|$))/;

function parseLine(line: string): MountInfo {
  const [id, , , root = '', point = '', , ...rest] = line.split(' ');
  // How many optional fields there are, a dash says.
  const end = rest.indexOf('-');
  const [type = '', , options = ''] = rest.slice(end + 1);
  const isShared = rest.slice(0, end).some((field) => field.startsWith('shared:'));
  return {
    id: Number(id),
    point: decodePath(point),
    root: decodePath(root),
    isShared,
    type,
    options: options.split(','),
  };
}

/** White space and backslashes are written as their octal digits. */
function decodePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}
