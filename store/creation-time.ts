/** Reproducible builds say themselves when they are made (reproducible-builds.org, SOURCE_DATE_EPOCH). */

/**
 * The time that files of a reproducible build do not exceed, in nanoseconds; undefined where it is not set.
 * @throws TypeError when it is no number of seconds
 */
export function sourceDateEpoch(text: string | undefined = process.env.SOURCE_DATE_EPOCH): bigint | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[0-9]{1,12}$/.test(text)) throw new TypeError(`SOURCE_DATE_EPOCH must be a number of seconds, got '${text}'`);
  return BigInt(text) * 1_000_000_000n;
}

/** When what is made now was made: now, unless SOURCE_DATE_EPOCH says otherwise. */
export function creationTime(): Date {
  const epoch = sourceDateEpoch();
  return epoch === undefined ? new Date() : new Date(Number(epoch / 1_000_000n));
}
