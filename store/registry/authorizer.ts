/** Who is asking, to one registry for one session: nobody, until it wants to know. */
import { CaissonError } from '../../syscalls/index.ts';
import type { Challenge } from './challenge.ts';
import type { FoundCredentials } from './credentials.ts';
import type { HttpClient } from './http.ts';
import type { Settings } from './options.ts';
import type { Asker } from './refusal.ts';
import { basicAuthorization, checkRealm, fetchToken, type Token } from './token.ts';

/** Gives the value of Authorization. */
export interface Authorizer {
  /** For the next request; undefined while nobody asked. A token that is about to expire is renewed before. */
  authorization(): Promise<string | undefined>;
  /**
   * Answers a registry that said 401; undefined when there is nothing (else) to say.
   * @param refused what it was shown
   * @throws CaissonError TOKEN_SERVER_REFUSED, CREDENTIALS_INVALID, CREDENTIALS_UNAVAILABLE
   */
  answer(challenges: readonly Challenge[], refused: string | undefined): Promise<string | undefined>;
  /** Who has been asking; undefined while nobody wanted to know. */
  asker(): Asker | undefined;
}

/** What an authorizer is made of. */
export interface AuthorizerOptions {
  readonly http: HttpClient;
  /** Where the registry was reached. */
  readonly registry: URL;
  /** What a token must allow. */
  readonly scopes: readonly string[];
  /** Looked for when they are needed, once. */
  readonly findCredentials: () => Promise<FoundCredentials | undefined>;
  readonly settings: Settings;
}

const RENEW_BEFORE_MS = 10_000;

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  let shown: string | undefined;
  let renew: (() => Promise<Token>) | undefined;
  let expires = Number.POSITIVE_INFINITY;
  let finding: Promise<FoundCredentials | undefined> | undefined;
  let asker: Asker | undefined;
  let obtaining: Promise<string | undefined> | undefined;

  /** Of several requests that are refused at once, one asks. */
  function once(obtain: () => Promise<string | undefined>): Promise<string | undefined> {
    obtaining ??= obtain().finally(() => {
      obtaining = undefined;
    });
    return obtaining;
  }

  async function show(challenges: readonly Challenge[]): Promise<string | undefined> {
    finding ??= options.findCredentials();
    const found = await finding;
    asker = { source: found?.source };
    const known = found?.credentials;
    const [bearer, basic] = ['bearer', 'basic'].map((scheme) => challenges.find((each) => each.scheme === scheme));
    if (known !== undefined && 'registryToken' in known) return `Bearer ${known.registryToken}`;
    if (bearer !== undefined) {
      renew = () => askForToken(options, bearer, found);
      return renewed();
    }
    if (basic === undefined || known === undefined || !('username' in known)) return undefined;
    return basicAuthorization(known.username, known.password);
  }

  async function renewed(): Promise<string | undefined> {
    const token = await renew?.();
    if (token === undefined) return undefined;
    expires = token.expires;
    return `Bearer ${token.token}`;
  }

  return {
    async authorization() {
      if (Date.now() > expires - RENEW_BEFORE_MS) shown = await once(renewed);
      return shown;
    },
    async answer(challenges, refused) {
      if (shown !== refused) return shown;
      const next = await once(() => show(challenges));
      if (next === refused) return undefined;
      shown = next;
      return next;
    },
    asker: () => asker,
  };
}

async function askForToken(
  { http, registry, scopes, settings }: AuthorizerOptions,
  { parameters }: Challenge,
  found: FoundCredentials | undefined,
): Promise<Token> {
  const { realm: text, service, scope } = parameters;
  if (text === undefined) throw new CaissonError('REGISTRY_ERROR', `${registry.host} does not say where tokens are`);
  const realm = checkRealm(text, { ...settings, registry, hasCredentials: found !== undefined });
  const wanted = [...new Set([...scopes, ...(scope ? [scope] : [])])];
  const { credentials, source } = found ?? {};
  return fetchToken(http, { realm, service, scopes: wanted, credentials, source }, settings);
}
