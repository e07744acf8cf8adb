/** The root file system: layers and a place for changes, shown as one by overlayfs. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  chdir,
  close,
  dup3,
  MS_NODEV,
  MS_REC,
  MS_SLAVE,
  mkdirat,
  mount,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Step,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { hasNamespace, type RootView, type Spec } from '../spec/spec.ts';

/** mount(2) takes one page of options, and the kernel keeps its last byte. */
const MAX_MOUNT_DATA = 4095;

/** Where the descriptors of lower directories begin that cannot be given by path: above the stub's own, of which there are few. */
const LOWER_DESCRIPTORS = 100;

/** A view's overlay, not attached yet. */
export interface OpenView {
  readonly target: string;
  readonly mount: Variable;
}

/** The steps that open a root's views, and what they open. */
export interface OpeningViews {
  readonly steps: readonly Step[];
  readonly views: readonly OpenView[];
}

/**
 * Mounts the root on `spec.root.path`. Nothing reaches the host: mounts are received, not sent.
 * Slave and not private, so that a long-lived container does not pin mounts that the host takes away.
 */
export function mountRoot(spec: Spec): Step[] {
  return [cutMounts(), ...enterDirectory(spec), ...mountRootOverlay(spec)];
}

/** From here on, no mount that is made here is seen by the host. */
export function cutMounts(): Step {
  return mount.step('cutting the mounts off from the host', [null, '/', null, MS_REC | MS_SLAVE, null]);
}

/** Enters the directory that the container's changes are kept in, on the disk or in memory. */
export function enterDirectory({ root }: Spec): Step[] {
  const enter = chdir.step("entering the container's directory", [root.path]);
  if (root.upper === 'disk') return [enter];
  return [...mountUpper(root.path), enter, makeDirectory('upper'), makeDirectory('work')];
}

/** Mounts the root itself, upon the container's directory, which is the working one. */
export function mountRootOverlay(spec: Spec): Step[] {
  const { root } = spec;
  return mountOverlay('mounting the root', root.path, { layers: root.layers, upper: 'upper', work: 'work' }, spec);
}

/** Makes the directories of all views: whoever mounts them finds them then. */
export function makeViewDirectories({ root }: Spec): Step[] {
  return root.views.flatMap(viewDirectories);
}

/**
 * The overlays of host directories, made before the root hides the paths of their changes. Each keeps its changes in
 * the root's own `upper`, so that one tree holds all that the container changed.
 */
export function openViews(spec: Spec): OpeningViews {
  const opened = spec.root.views.map((view) => openView(view, spec));
  return { steps: opened.flatMap(({ steps }) => steps), views: opened.map(({ view }) => view) };
}

/** Mounted where the host's files are still in sight, and taken along as a copy of the mount. */
function openView({ source, target, layers = [] }: RootView, spec: Spec): { steps: Step[]; view: OpenView } {
  const mounted = variable(`view ${target}`);
  const [name, work] = viewPaths(target);
  const steps = [
    ...viewDirectories({ target }),
    ...openOverlay(
      `preparing the view of ${source}`,
      { at: work, layers: [source, ...layers], upper: `upper/${name}`, work },
      mounted,
      spec,
    ),
  ];
  return { steps, view: { target, mount: mounted } };
}

/** Where a view keeps its changes, below `upper`, and what overlayfs needs besides. */
export function viewPaths(target: string): [name: string, work: string] {
  const name = target.slice(1);
  return [name, `views/${name.replaceAll('/', '-')}`];
}

function viewDirectories({ target }: Pick<RootView, 'target'>): Step[] {
  const [name, work] = viewPaths(target);
  const parents = name.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  // What is mounted upon cannot be replaced, what is above it can.
  const isNested = parents.length > 1;
  return [
    makeDirectory('views'),
    ...parents.flatMap((path) => [makeDirectory(`upper/${path}`), ...(isNested ? assertNoLink(`upper/${path}`) : [])]),
    makeDirectory(work),
  ];
}

/**
 * Mounts an overlay where the host's files are still in sight, and takes it along as a copy of the mount.
 * @param at a directory to mount it on
 * @param subpath what of it is taken along
 */
export function openOverlay(
  purpose: string,
  { at, subpath, ...parts }: OverlayParts & { readonly at: string; readonly subpath?: string | undefined },
  into: Variable,
  spec: Spec,
): Step[] {
  const taking = `taking what ${purpose} gives along`;
  return [
    ...mountOverlay(purpose, at, parts, spec),
    ...(subpath === undefined
      ? [open_tree.step(taking, [AT_FDCWD, at, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { into })]
      : openBelow(taking, { directory: at, subpath, resolve: RESOLVE_IN_ROOT }, into)),
  ];
}

/** A part of a tree of this machine, as a copy of its mount. What is in the tree has no say in where that is. */
export function openBelow(
  purpose: string,
  { directory, subpath, resolve }: { readonly directory: string; readonly subpath: string; readonly resolve: number },
  into: Variable,
  recursive = 0,
): Step[] {
  const [top, part] = [variable(`top of ${into.name}`), variable(`part of ${into.name}`)];
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: resolve | RESOLVE_NO_MAGICLINKS });
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive;
  return [
    openat.step(purpose, [AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { into: top }),
    openat2.step(purpose, [top, subpath, how, OPEN_HOW.size], { into: part }),
    open_tree.step(purpose, [part, '', flags], { into }),
    // What leads to the host's files is not kept for longer than it is needed.
    close.step(purpose, [part]),
    close.step(purpose, [top]),
  ];
}

/** A container that is started again may have put a link at the parent of a view, to anywhere on this machine. */
function assertNoLink(path: string): Step[] {
  const opened = variable('directory of changes');
  const how = OPEN_HOW.encode({
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
  });
  return [
    openat2.step(`making sure that '${path}' is no link`, [AT_FDCWD, path, how, OPEN_HOW.size], { into: opened }),
    close.step('closing it', [opened]),
  ];
}

function mountUpper(path: string): Step[] {
  return [mount.step('mounting memory for the changes', ['tmpfs', path, 'tmpfs', 0, 'mode=700'])];
}

/** Makes a directory in the container's own; one that is there is as good. */
export function makeDirectory(path: string): Step {
  return mkdirat.step(`making '${path}'`, [AT_FDCWD, path, 0o755], { onError: { EEXIST: 'next' } });
}

/**
 * `redirect_dir`, `metacopy`, `index`: what a container changes is whole, and so can become a layer; some kernels are
 * built to note in one layer what another one has.
 * `volatile`: without it, ending a container would flush the whole disk its changes are on (Linux ≥ 5.10).
 * `userxattr`: overlayfs keeps its notes where a user namespace may write them (Linux ≥ 5.11). Idmapped, it is the
 * machine's root who mounts it.
 */
function overlayFlags(spec: Spec, hasUpper: boolean): string[] {
  const onDisk = hasUpper && spec.root.upper === 'disk';
  return [
    ...['redirect_dir=nofollow', 'metacopy=off', 'index=off'],
    ...(onDisk ? ['volatile'] : []),
    ...(hasNamespace(spec, 'user') && spec.root.idmapped === undefined ? ['userxattr'] : []),
  ];
}

/** What an overlay shows as one: layers, lowest first, and where its changes go; without that, there are none. */
export interface OverlayParts {
  readonly layers: readonly string[];
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
}

function mountOverlay(purpose: string, at: string, { layers, upper, work }: OverlayParts, spec: Spec): Step[] {
  const options = (lower: readonly string[]) => {
    return [
      `lowerdir=${lower.toReversed().join(':')}`,
      ...(upper === undefined ? [] : [`upperdir=${upper}`, `workdir=${work}`]),
      ...overlayFlags(spec, upper !== undefined),
    ].join();
  };
  const byPath = options(layers);
  const fits = Buffer.byteLength(byPath) <= MAX_MOUNT_DATA && !layers.some((layer) => /[:,\\]/.test(layer));
  const byDescriptor = layers.map((_, index) => `/proc/self/fd/${LOWER_DESCRIPTORS + index}`);
  return [
    ...(fits ? [] : layers.flatMap((layer, index) => openLower(layer, LOWER_DESCRIPTORS + index))),
    // Devices are in /dev: an image's own are of no use, whatever their numbers.
    mount.step(purpose, ['overlay', at, 'overlay', MS_NODEV, fits ? byPath : options(byDescriptor)]),
  ];
}

/** A layer whose path holds a separator of the options, or that is one of too many, is named by a descriptor. */
function openLower(layer: string, descriptor: number): Step[] {
  const opened = variable('layer');
  return [
    openat.step('opening a layer', [AT_FDCWD, layer, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { into: opened }),
    dup3.step('numbering a layer', [opened, descriptor, O_CLOEXEC]),
    // Else the next would one day be opened under the very number it is to get, which dup3 refuses.
    close.step('closing a layer', [opened]),
  ];
}
