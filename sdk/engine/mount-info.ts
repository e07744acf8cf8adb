/** What the kernel says of mounts: /proc/PID/mountinfo (man 5 proc_pid_mountinfo). */

/** A mount, as a process sees it. */
export interface MountInfo {
  readonly id: number;
  /** Where it is, as a path from the root of that process. No part of it is a symbolic link. */
  readonly point: string;
  readonly isShared: boolean;
  /** Its file system: `'tmpfs'`, `'overlay'` … */
  readonly type: string;
}

/** The mounts that a text tells of, in its order: of those at one place, the last covers the others. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split('\n').filter(Boolean).map(parseLine);
}

function parseLine(line: string): MountInfo {
  const fields = line.split(' ');
  const point = (fields[4] ?? '').replace(/\\([0-7]{3})/g, (_, digits) => {
    return String.fromCharCode(Number.parseInt(digits, 8));
  });
  // How many optional fields there are, a dash says.
  const end = fields.indexOf('-', 6);
  const isShared = fields.slice(6, end).some((field) => field.startsWith('shared:'));
  return { id: Number(fields[0]), point, isShared, type: fields[end + 1] ?? '' };
}
