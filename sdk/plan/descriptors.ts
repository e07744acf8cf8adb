/** What a process's descriptors are, before and after. */
import { close_range, type Step } from '../../syscalls/index.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/**
 * Closed, and not only marked close-on-exec: a working directory or a command below /proc/self/fd must find nothing
 * (CVE-2024-21626). The report pipe stays; it leads nowhere.
 */
export function closeEverythingElse(): Step {
  return close_range.step('closing all other descriptors', [FIRST_EXTRA_DESCRIPTOR, 0xffff_ffff, 0]);
}
