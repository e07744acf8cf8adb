/** The root file system: layers and a place for changes, shown as one by overlayfs. */
import {
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

/**
 * Mounts the root on `spec.root.path`. Nothing reaches the host: mounts are received, not sent.
 * Slave and not private, so that a long-lived container does not pin mounts that the host takes away.
 */
export function mountRoot(spec: Spec): Step[] {
  const { root } = spec;
  const enter = chdir.step("entering the container's directory", [root.path]);
  return [
    mount.step('cutting the mounts off from the host', [null, '/', null, MS_REC | MS_SLAVE, null]),
    ...(root.upper === 'tmpfs' ? mountUpper(root.path) : []),
    enter,
    ...(root.upper === 'tmpfs' ? [makeDirectory('upper'), makeDirectory('work')] : []),
    ...mountOverlay('mounting the root', root.path, { layers: root.layers, upper: 'upper', work: 'work' }, spec),
  ];
}

/**
 * The overlays of host directories, made before the root hides the paths of their changes. Each keeps its changes in
 * the root's own `upper`, so that one tree holds all that the container changed.
 */
export function openViews(spec: Spec): { steps: Step[]; views: OpenView[] } {
  const opened = spec.root.views.map((view) => openView(view, spec));
  return { steps: opened.flatMap(({ steps }) => steps), views: opened.map(({ view }) => view) };
}

/** Mounted where the host's files are still in sight, and taken along as a copy of the mount. */
function openView({ source, target, layers = [] }: RootView, spec: Spec): { steps: Step[]; view: OpenView } {
  const mounted = variable(`view ${target}`);
  const name = target.slice(1);
  const work = `views/${name.replaceAll('/', '-')}`;
  const parents = name.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  // What is mounted upon cannot be replaced, what is above it can.
  const isNested = parents.length > 1;
  const steps = [
    makeDirectory('views'),
    ...parents.flatMap((path) => [makeDirectory(`upper/${path}`), ...(isNested ? assertNoLink(`upper/${path}`) : [])]),
    makeDirectory(work),
    ...mountOverlay(
      `preparing the view of ${source}`,
      work,
      { layers: [source, ...layers], upper: `upper/${name}`, work },
      spec,
    ),
    open_tree.step(`taking the view of ${source} along`, [AT_FDCWD, work, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], {
      into: mounted,
    }),
  ];
  return { steps, view: { target, mount: mounted } };
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

function makeDirectory(path: string): Step {
  return mkdirat.step(`making '${path}'`, [AT_FDCWD, path, 0o755], { onError: { EEXIST: 'next' } });
}

/**
 * `redirect_dir`, `metacopy`, `index`: what a container changes is whole, and so can become a layer; some kernels are
 * built to note in one layer what another one has.
 * `volatile`: without it, ending a container would flush the whole disk its changes are on (Linux ≥ 5.10).
 * `userxattr`: overlayfs keeps its notes where a user namespace may write them (Linux ≥ 5.11).
 */
function overlayFlags(spec: Spec): string[] {
  const onDisk = spec.root.upper === 'disk';
  return [
    ...['redirect_dir=nofollow', 'metacopy=off', 'index=off'],
    ...(onDisk ? ['volatile'] : []),
    ...(hasNamespace(spec, 'user') ? ['userxattr'] : []),
  ];
}

/** What an overlay shows as one: layers, lowest first, and where its changes go. */
interface OverlayParts {
  readonly layers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

function mountOverlay(purpose: string, at: string, { layers, upper, work }: OverlayParts, spec: Spec): Step[] {
  const options = (lower: readonly string[]) => {
    return [
      `lowerdir=${lower.toReversed().join(':')}`,
      `upperdir=${upper}`,
      `workdir=${work}`,
      ...overlayFlags(spec),
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
