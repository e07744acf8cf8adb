/**
 * Plans compiled once for many containers. Two containers that are asked for alike differ in nothing but their id,
 * which is in their paths and, unless they are given one, their hostname. So a compiled plan is kept with the places
 * of its id, and for the next container only the id is written anew: 20 µs instead of 300 for planning and compiling.
 */
import { type Compiled, compile, type Program } from '../../syscalls/index.ts';
import { planContainer } from '../plan/container.ts';
import type { Wiring } from '../plan/launch.ts';
import { SHORT_ID_LENGTH } from '../spec/short-id.ts';
import type { IdMapping, Spec } from '../spec/spec.ts';

/** A plan that is ready to be launched for one container. */
export interface ReadyPlan {
  readonly compiled: Compiled;
  /** The stub with this container's id. */
  readonly image: Uint8Array;
  /** Of a plan that is launched ahead: the rest with this container's id. */
  readonly rest?: Uint8Array | undefined;
  /** The launching part with this container's id. @default the compiled one */
  readonly launcherBytes?: Uint8Array;
  /** The plan in this container's words: for errors. */
  program(): Program;
}

interface Template {
  readonly compiled: Compiled;
  readonly inStub: readonly Place[];
  readonly inRest: readonly Place[];
  readonly inLauncher: readonly Place[];
}

interface Place {
  readonly at: number;
  readonly length: number;
}

/** How many compiled plans are kept, of some 25 KiB each. */
const MAX_TEMPLATES = 16;

/** By everything a plan depends on, but for the id; the least recently used first. */
const templates = new Map<string, Template>();

/**
 * Compiles the plan of a container, or takes one that was compiled for another.
 * @param id is in `spec` wherever it differs from another container's spec
 * @param isAhead whether it is launched ahead (plan/beginning.ts)
 */
export function compileContainer(spec: Spec, wiring: Wiring, id: string, isAhead = false): ReadyPlan {
  const short = id.slice(0, SHORT_ID_LENGTH);
  const key = JSON.stringify([planned(spec), wiring, isAhead])
    .replaceAll(id, '<id>')
    .replaceAll(short, '<short id>');
  const program = () => planContainer(spec, wiring, isAhead);
  let template = templates.get(key);
  if (template === undefined) {
    const compiled = compile(program());
    const find = (bytes: Uint8Array | undefined) => (bytes === undefined ? [] : placesOf(bytes, id, short));
    const { image, launcher, rest } = compiled;
    template = { compiled, inStub: find(image), inRest: find(rest?.bytes), inLauncher: find(launcher.bytes) };
  }
  // Set again, it is the most recently used one.
  templates.delete(key);
  templates.set(key, template);
  const oldest = templates.keys().next().value;
  if (templates.size > MAX_TEMPLATES && oldest !== undefined) templates.delete(oldest);

  const { compiled, inStub, inRest, inLauncher } = template;
  const { image, launcher, rest } = compiled;
  return {
    compiled,
    // What is not copied costs nothing.
    image: inStub.length === 0 ? image : rewrite(image, inStub, id),
    ...(inLauncher.length === 0 ? {} : { launcherBytes: rewrite(launcher.bytes, inLauncher, id) }),
    ...(rest === undefined ? {} : { rest: rewrite(rest.bytes, inRest, id) }),
    program,
  };
}

/** What of a spec a plan depends on. Where ids are mapped is with the user namespace that a launch is given. */
function planned(spec: Spec): Spec {
  const { linux, root } = spec;
  if (root.idmapped === undefined) return spec;
  return {
    ...spec,
    linux: { ...linux, uidMappings: countsOf(linux.uidMappings), gidMappings: countsOf(linux.gidMappings) },
  };
}

function countsOf(mappings: readonly IdMapping[]): IdMapping[] {
  return mappings.map((mapping) => ({ ...mapping, hostID: 0 }));
}

function rewrite(bytes: Uint8Array, places: readonly Place[], id: string): Uint8Array {
  const copy = Buffer.from(bytes);
  for (const { at, length } of places) copy.write(id, at, length, 'latin1');
  return copy;
}

/** Where bytes have the id or the beginning of it that stands for it. Ids are random, so nothing else looks so. */
function placesOf(image: Uint8Array, id: string, short: string): Place[] {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length);
  const places: Place[] = [];
  for (let at = bytes.indexOf(short); at !== -1; at = bytes.indexOf(short, at + short.length)) {
    const isWhole = bytes.toString('latin1', at, at + id.length) === id;
    places.push({ at, length: isWhole ? id.length : short.length });
    if (isWhole) at += id.length - short.length;
  }
  return places;
}
