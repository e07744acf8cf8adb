/**
 * The one place that touches koffi's calling side. Loading is lazy, so importing caisson costs nothing and
 * works (until something is called) where koffi does not.
 */
import { createRequire } from 'node:module';
import { CaissonError } from './error.ts';
import type { Koffi, LibcFunction } from './koffi-types.ts';

let koffi: Koffi | undefined;
let library: ReturnType<Koffi['load']> | undefined;

/**
 * koffi, loaded at the first use.
 * @throws CaissonError UNSUPPORTED_PLATFORM when this is not Linux on x64 or arm64
 * @throws CaissonError KOFFI_NOT_LOADED when koffi or its binary for this machine is missing
 */
export function loadKoffi(): Koffi {
  koffi ??= requireKoffi();
  return koffi;
}

/**
 * The version of koffi that is in use.
 * @throws as {@link loadKoffi}
 */
export function koffiVersion(): string {
  return loadKoffi().version;
}

/** The machine's kind, as in `process.arch`, for those caisson knows system call numbers of. */
export type Architecture = 'x64' | 'arm64';

/**
 * The machine's architecture.
 * @throws CaissonError UNSUPPORTED_PLATFORM when this is not Linux on x64 or arm64
 */
export function architecture(): Architecture {
  const { platform, arch } = process;
  if (platform === 'linux' && (arch === 'x64' || arch === 'arm64')) return arch;
  throw new CaissonError(
    'UNSUPPORTED_PLATFORM',
    `caisson runs on Linux on x64 or arm64, not on ${platform} on ${arch}`,
    {
      hint: platform === 'linux' ? undefined : 'run it in a Linux virtual machine or in WSL 2',
    },
  );
}

/**
 * libc's `syscall(2)` for arguments of these kinds. `syscall` and not each call's own wrapper: old libcs lack
 * the newer wrappers, and glibc's wrappers of the set*id family act on every thread of the process.
 */
export function bindSyscall(kinds: readonly ('integer' | 'pointer')[]): LibcFunction {
  // The program itself, and not a soname, so that the same code finds glibc and musl.
  library ??= loadKoffi().load(null);
  const types = kinds.map((kind) => (kind === 'integer' ? 'long' : 'void *'));
  return library.func('syscall', 'long', ['long', ...types]) as LibcFunction;
}

/** The calling thread's `errno`. To be read at once after the call that set it. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

function requireKoffi(): Koffi {
  architecture();
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw new CaissonError(
      'KOFFI_NOT_LOADED',
      `koffi could not be loaded: ${(cause as Error).message.split('\n')[0]}`,
      {
        hint: 'its binary comes from the optional package @koromix/koffi-linux-*: install without --omit=optional, on the machine that runs it',
        cause,
      },
    );
  }
}
