/** How registries are reached: what a user may say, and what holds when nothing is said. */
import type { Credentials } from './credentials.ts';

/** Options of everything that talks to a registry. */
export interface RegistryOptions {
  /**
   * For the registry that the image's name leads to, and for no other.
   * @default what Docker's and containers' own files have: `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE`,
   * `DOCKER_CONFIG/config.json` and the credential helpers named there
   */
  readonly credentials?: Credentials | undefined;
  /** Certificates (PEM) of authorities that are trusted besides the usual ones. */
  readonly ca?: string | readonly string[] | undefined;
  /** Allows plain HTTP and certificates that nobody vouches for. On loopback, plain HTTP is allowed anyway. @default false */
  readonly insecure?: boolean | undefined;
  /** Where images come from instead: mirrors, and prefixes that are rewritten. */
  readonly registries?: readonly RegistryRule[] | undefined;
  /** Hosts that may get the credentials for a token, besides those of the registry's own domain. */
  readonly tokenServers?: readonly string[] | undefined;
  /** How often something is tried again that may succeed later. @default 5 */
  readonly retries?: number | undefined;
  /** The pause before the first time; it doubles each time. What a registry asks for counts instead. @default 500 */
  readonly retryDelayMs?: number | undefined;
  /** For how long a registry may say nothing, or next to nothing. @default 30_000 */
  readonly timeoutMs?: number | undefined;
  /** Stops what is going on. */
  readonly signal?: AbortSignal | undefined;
}

/** What holds for images whose names begin alike; of several rules, that of the longest prefix. */
export interface RegistryRule {
  /** A registry, or repositories of it: `docker.io`, `docker.io/library`, `registry.example.com/team`. */
  readonly prefix: string;
  /** What takes the prefix's place: `registry.example.com/hub`. The image keeps its name. @default the prefix */
  readonly location?: string | undefined;
  /** What takes its place first when an image is pulled, one after the other. Nothing is pushed there. */
  readonly mirrors?: readonly string[] | undefined;
}

/** {@link RegistryOptions} with everything said. */
export interface Settings {
  readonly credentials: Credentials | undefined;
  readonly ca: readonly string[];
  readonly insecure: boolean;
  readonly tokenServers: readonly string[];
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Fills in what is not said. */
export function normalizeRegistryOptions(options: RegistryOptions): Settings {
  const { credentials, ca = [], insecure = false, tokenServers = [], signal } = options;
  const count = (name: 'retries' | 'retryDelayMs' | 'timeoutMs', initial: number) => {
    const value = options[name] ?? initial;
    if (!Number.isFinite(value) || value < 0) throw new TypeError(`${name} must be a number from 0, got ${value}`);
    return value;
  };
  return {
    credentials,
    ca: typeof ca === 'string' ? [ca] : ca,
    insecure,
    tokenServers,
    retries: count('retries', 5),
    retryDelayMs: count('retryDelayMs', 500),
    timeoutMs: count('timeoutMs', 30_000),
    signal,
  };
}
