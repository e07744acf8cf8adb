/** Reads WWW-Authenticate (RFC 9110, section 11.6.1): how a registry wants to be shown who is asking. */

/** One way that is offered. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** A name with its value, or a word that begins another challenge. */
const PART = new RegExp(`[\\s,]*(${TOKEN})(?:\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}[^\\s,]*)))?`, 'y');

/** The challenges in the values of the header, in their order. What is not understood ends the list. */
export function parseChallenges(header: string | readonly string[] | undefined): readonly Challenge[] {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ');
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  PART.lastIndex = 0;
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    const [, word = '', quoted, plain] = part;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    const parameters = challenges.at(-1)?.parameters;
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    else if (parameters !== undefined) parameters[word.toLowerCase()] = value;
  }
  return challenges;
}
