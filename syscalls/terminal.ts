/** man 2 TIOCSCTTY, TIOCSWINSZ, TCSETS …, man 4 pts: terminals and pseudo-terminals. The call is `ioctl`. */
import { struct } from './struct.ts';

// include/uapi/asm-generic/ioctls.h
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
/** Makes the terminal the controlling one of the calling session leader, which has none. `argp` 1n steals it (CAP_SYS_ADMIN). */
export const TIOCSCTTY = 0x540e;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
/** Reads a {@link WINSIZE}. */
export const TIOCGWINSZ = 0x5413;
/** Sets a {@link WINSIZE}; the foreground process group gets SIGWINCH when it changes. */
export const TIOCSWINSZ = 0x5414;
/** Gives up the controlling terminal; a session leader's foreground group gets SIGHUP. */
export const TIOCNOTTY = 0x5422;
/** The number of a pty, N of /dev/pts/N, into a 32-bit integer. */
export const TIOCGPTN = 0x8004_5430;
/** Locks (1) or unlocks (0, in a 32-bit integer) the other end. A new pty is locked. */
export const TIOCSPTLCK = 0x4004_5431;
/** Opens the other end without a path, so no other mount can stand for it; `argp` has the O_* flags. Linux 4.13. */
export const TIOCGPTPEER = 0x5441;

/** Names of the operations, for printing. */
export const TERMINAL_OPERATIONS = {
  TCGETS,
  TCSETS,
  TCSETSW,
  TCSETSF,
  TIOCSCTTY,
  TIOCGPGRP,
  TIOCSPGRP,
  TIOCGWINSZ,
  TIOCSWINSZ,
  TIOCNOTTY,
  TIOCGPTN,
  TIOCSPTLCK,
  TIOCGPTPEER,
} as const;

// include/uapi/asm-generic/termbits.h: what raw mode clears and sets (man 3 cfmakeraw)
export const IGNBRK = 0o1;
export const BRKINT = 0o2;
export const PARMRK = 0o10;
export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IXON = 0o2000;
export const OPOST = 0o1;
export const ONLCR = 0o4;
export const CSIZE = 0o60;
export const CS8 = 0o60;
export const PARENB = 0o400;
export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHONL = 0o100;
export const IEXTEN = 0o10_0000;

/** include/uapi/asm-generic/termios.h, in characters; the last two, in pixels, are unused. */
export const WINSIZE = struct('winsize', { ws_row: 'u16', ws_col: 'u16', ws_xpixel: 'u16', ws_ypixel: 'u16' });

/** include/uapi/asm-generic/termbits.h: the kernel's `struct termios`, not libc's longer one. */
export const TERMIOS = struct('termios', {
  c_iflag: 'u32',
  c_oflag: 'u32',
  c_cflag: 'u32',
  c_lflag: 'u32',
  c_line: 'u8',
  c_cc: 'u8[19]',
});
