/**
 * One record of the table the interpreter walks: eleven 64-bit words.
 *
 *     0  number      of the system call, or one of OPERATION
 *     1  arguments   six words
 *     7  store       address that the result is written to, a failure's too
 *     8  next        address of the record to go on at after success (or `equal`)
 *     9  otherwise   address of the record to go on at after a failure (or not `equal`)
 *    10  indirect    bit n set: argument n is the address of the value
 */
export const RECORD = { number: 0, arguments: 1, store: 7, next: 8, otherwise: 9, indirect: 10 } as const;

/** The size of a record in bytes. */
export const RECORD_SIZE = 88;

/** What the interpreter does besides system calls, as the negative numbers of records. */
export const OPERATION = {
  /** Goes to `next` when the first two arguments are equal, else to `otherwise`. */
  equal: -1,
  /** Stores the sum of the first two arguments. */
  add: -2,
  /** Stores the bits that both of the first two arguments have. */
  and: -3,
  /** Writes the address of the last failed record and its negative errno to the address in the first argument. */
  failure: -4,
  /** Stores the first argument, shifted right by as many bits as the second says. */
  shift: -5,
  /** Returns the first argument to the C caller. Only where there is one. */
  return: -6,
} as const;

/** How many bytes a report of a failure has: the address of its record and the negative errno. */
export const FAILURE_SIZE = 16;
