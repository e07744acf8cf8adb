/** Looks at the devices that a container is to have. */
import { statSync } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import type { DeviceOption } from '../spec/mount-options.ts';
import type { ResolvedDevice } from '../spec/mounts.ts';

/**
 * Looks at devices.
 * @throws CaissonError DEVICE_NOT_FOUND, NOT_A_DEVICE
 */
export function resolveDevices(devices: readonly DeviceOption[]): ResolvedDevice[] {
  return devices.map((option) => {
    const stats = statSync(option.path, { throwIfNoEntry: false });
    if (stats === undefined) {
      throw new CaissonError('DEVICE_NOT_FOUND', `there is no device '${option.path}' on this machine`);
    }
    if (!stats.isCharacterDevice() && !stats.isBlockDevice()) {
      throw new CaissonError('NOT_A_DEVICE', `'${option.path}' is not a device`, { hint: 'bind it as a mount' });
    }
    const { rdev, mode, uid, gid } = stats;
    const type = stats.isBlockDevice() ? 'b' : 'c';
    return { option, type, ...deviceNumbers(rdev), mode: mode & 0o7777, uid, gid };
  });
}

/**
 * Refuses permissions that a device cannot have: in a user namespace none are made, and the host's are as they are.
 * @throws CaissonError DEVICE_MODE_REFUSED
 */
export function assertModes(devices: readonly ResolvedDevice[], hasUserNamespace: boolean): void {
  const refused = devices.find(({ option, mode }) => option.mode !== undefined && option.mode !== mode);
  if (!hasUserNamespace || refused === undefined) return;
  const { path, mode = 0 } = refused.option;
  const [asked, there] = [mode, refused.mode].map((each) => each.toString(8));
  const message = `the device '${path}' cannot have the mode ${asked}: in a user namespace it is the host's, of ${there}`;
  throw new CaissonError('DEVICE_MODE_REFUSED', message, { hint: 'leave mode out' });
}

/** man 3 major: of glibc's and the kernel's 64 bits. */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  const high = Math.floor(rdev / 2 ** 32);
  const low = rdev >>> 0;
  return { major: ((low >>> 8) & 0xfff) | (high & ~0xfff), minor: (low & 0xff) | ((low >>> 12) & ~0xff) };
}
