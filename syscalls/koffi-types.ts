/** The part of koffi's interface that caisson uses. */
export type Koffi = typeof import('koffi').default;

/** A function of libc: integers and pointers in, an integer out (a bigint where it does not fit a number). */
export type LibcFunction = (...args: unknown[]) => number | bigint;
