// The layer below: system calls by their names. This thread leaves its UTS namespace, is called something else
// for a while, and comes back. Run it as root: npx tsx examples/unshare-setns.ts
import { closeSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { CLONE_NEWUTS, SyscallError, sethostname, setns, unshare } from 'caisson/syscalls';

// Namespaces are a thread's, not a process's: /proc/self would be the main thread's, also in a Worker.
const original = openSync('/proc/thread-self/ns/uts', 'r');
try {
  console.log(`before unshare: ${hostname()}`);
  unshare(CLONE_NEWUTS);
  sethostname('box', 'box'.length);
  console.log(`after unshare:  ${hostname()}`);
  setns(original, CLONE_NEWUTS);
  console.log(`after setns:    ${hostname()}`);
} catch (error) {
  if (!(error instanceof SyscallError && error.code === 'EPERM')) throw error;
  console.error(`this needs root (CAP_SYS_ADMIN): ${error.message}`);
  process.exitCode = 1;
} finally {
  closeSync(original);
}
