/** What a user may ask of an image that is made of a container. */
import type { ImageConfig } from '../../store/index.ts';

/** Options of `container.snapshot`. */
export interface SnapshotOptions {
  /** A name, as Docker reads names. @default none: then the snapshot lives as long as this process */
  readonly reference?: string | undefined;
  /** Has a running container's processes stand still while its files are copied. @default true */
  readonly pause?: boolean | undefined;
  /** Stops copying; the container is then as it was. */
  readonly signal?: AbortSignal | undefined;
}

/** How containers of an image run, where that is to be another than with the container's image. */
export interface ConfigChanges {
  /** Variables added to the image's, or replacing them; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly command?: readonly string[] | undefined;
  /** Without a `command`, the image has none. */
  readonly entrypoint?: readonly string[] | undefined;
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  /** Added to the image's, or replacing them; `undefined` removes one. */
  readonly labels?: Readonly<Record<string, string | undefined>> | undefined;
  /** Added to the image's: `80/tcp`. */
  readonly exposedPorts?: readonly string[] | undefined;
  /** Added to the image's: absolute paths. */
  readonly volumes?: readonly string[] | undefined;
  readonly stopSignal?: NodeJS.Signals | undefined;
}

/** Options of `container.commit`. */
export interface CommitOptions extends SnapshotOptions {
  /** A name, as Docker reads names. @default none: it has its digest */
  readonly reference?: string | undefined;
  /** What is said of the change in the image's history. */
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** How the image's containers run. @default as those of the container's image */
  readonly config?: ConfigChanges | undefined;
  /** @default 'gzip', which every program reads */
  readonly compression?: 'gzip' | 'zstd' | 'none' | undefined;
}

/** An image's configuration with the changes. Dockerfile's rules: a new entrypoint does away with the old command. */
export function changeConfig(config: ImageConfig, changes: ConfigChanges): ImageConfig {
  const { env, command, entrypoint, user, workdir, labels, exposedPorts, volumes, stopSignal } = changes;
  const { Cmd, ...withoutCommand } = config;
  return {
    ...(entrypoint === undefined ? config : withoutCommand),
    ...(env && { Env: changeEnvironment(config.Env ?? [], env) }),
    ...(entrypoint && { Entrypoint: [...entrypoint] }),
    ...(command && { Cmd: [...command] }),
    ...(user !== undefined && { User: user }),
    ...(workdir !== undefined && { WorkingDir: workdir }),
    ...(labels && { Labels: withoutUndefined({ ...config.Labels, ...labels }) }),
    ...(exposedPorts && { ExposedPorts: { ...config.ExposedPorts, ...asKeys(exposedPorts) } }),
    ...(volumes && { Volumes: { ...config.Volumes, ...asKeys(volumes) } }),
    ...(stopSignal && { StopSignal: stopSignal }),
  };
}

function changeEnvironment(variables: readonly string[], changes: Readonly<Record<string, string | undefined>>) {
  const before = variables.map((variable) => {
    const [name = '', ...value] = variable.split('=');
    return [name, value.join('=')] as const;
  });
  const after = withoutUndefined({ ...Object.fromEntries(before), ...changes });
  return Object.entries(after).map(([name, value]) => `${name}=${value}`);
}

function withoutUndefined(members: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter((each): each is [string, string] => each[1] !== undefined));
}

function asKeys(names: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
