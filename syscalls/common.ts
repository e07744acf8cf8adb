/**
 * What is needed before any call is made: errors, and what copies of this package share. A door of its own, so that
 * importing caisson does not read what makes calls.
 */
export { acrossCopies, shared } from './copies.ts';
export { CaissonError, type CaissonErrorOptions, hasCode, SyscallError } from './error.ts';
