/** The kernel's names of numbers, for printing calls as strace(1) does. */

/** Names of the bits of a number. Of two that overlap, the one with more bits comes first. */
export type FlagTable = Readonly<Record<string, number | bigint>>;

/** Names of a number that is not made of bits: a command, a signal, an address family. */
export interface OneOf {
  readonly oneOf: FlagTable;
}

/** Marks a table of names as values of their own, not bits to be combined. */
export function oneOf(table: FlagTable): OneOf {
  return { oneOf: table };
}

/** A number by its names: `'MS_BIND|MS_REC'`, `'FSCONFIG_CMD_CREATE'`. What has no name is printed by `format`. */
export function formatNumber(
  value: number | bigint,
  names: FlagTable | OneOf,
  format: (value: number | bigint) => string = String,
): string {
  const table = isOneOf(names) ? names.oneOf : names;
  const exact = Object.entries(table).find(([, known]) => BigInt(known) === BigInt(value));
  if (exact !== undefined) return exact[0];
  return isOneOf(names) || value < 0 ? format(value) : formatFlags(BigInt(value), table, format);
}

/** A file mode in octal: `'0755'`. */
export function formatMode(mode: number | bigint): string {
  return `0${mode.toString(8).padStart(3, '0')}`;
}

function formatFlags(value: bigint, table: FlagTable, format: (value: number | bigint) => string): string {
  let rest = value;
  const found: string[] = [];
  for (const [name, flag] of Object.entries(table)) {
    const bits = BigInt(flag);
    if (bits > 0n && (rest & bits) === bits) {
      found.push(name);
      rest &= ~bits;
    }
  }
  return [...found, ...(rest === 0n && found.length > 0 ? [] : [format(rest)])].join('|');
}

function isOneOf(names: FlagTable | OneOf): names is OneOf {
  return typeof names.oneOf === 'object';
}
