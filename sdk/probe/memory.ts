/** What every container is made with: koffi, and memory that can be executed. */
import { close, hasCode, koffiVersion, openImage } from '../../syscalls/index.ts';
import { readSetting } from '../engine/restrictions.ts';
import type { Finding } from './fact.ts';
import { refusalOf } from './trial.ts';

/** What came of loading koffi. Pure. */
export function judgeKoffi(refusal: Error | undefined, version: string): Finding {
  if (refusal === undefined) return { status: 'ok', summary: `koffi ${version}` };
  return { status: 'missing', summary: refusal.message.split(' (')[0] ?? '', remedy: hintOf(refusal) };
}

/** The library that makes the system calls. */
export function probeKoffi(): Finding {
  let version = '';
  const refusal = refusalOf(() => {
    version = koffiVersion();
    return undefined;
  });
  return judgeKoffi(refusal, version);
}

/** What came of making an executable memfd. Pure. */
export function judgeMemfd(refusal: Error | undefined, setting: string): Finding {
  const detail = setting === '' ? undefined : `sysctl vm.memfd_noexec is ${setting.trim()}`;
  if (refusal === undefined) return { status: 'ok', summary: 'can be made', detail };
  const summary = hasCode(refusal, 'MEMFD_NOEXEC') ? 'forbidden' : refusal.message;
  return { status: 'missing', summary, detail, remedy: hintOf(refusal) };
}

/** Memory that becomes a process. */
export function probeMemfd(): Finding {
  const refusal = refusalOf(() => {
    close(openImage(new Uint8Array(1)));
    return undefined;
  });
  return judgeMemfd(refusal, readSetting('/proc/sys/vm/memfd_noexec'));
}

function hintOf(error: Error): string | undefined {
  return 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
}
