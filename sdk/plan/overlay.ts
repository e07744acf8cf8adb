/** The root file system: layers and a place for changes, shown as one by overlayfs. */
import {
  AT_FDCWD,
  chdir,
  close,
  dup3,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsconfig,
  fsmount,
  fsopen,
  MS_REC,
  MS_SLAVE,
  mkdirat,
  mount,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  openat,
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
    ...mountOverlay(spec),
  ];
}

/**
 * The overlays of host directories, made before the root hides the paths of their changes: relative ones, since
 * an option given by fsconfig(2) has at most 255 bytes. Each keeps its changes in the root's own `upper`, so that
 * one tree holds all that the container changed.
 */
export function openViews(spec: Spec): { steps: Step[]; views: OpenView[] } {
  const opened = spec.root.views.map((view) => openView(view, spec));
  return { steps: opened.flatMap(({ steps }) => steps), views: opened.map(({ view }) => view) };
}

function openView({ source, target }: RootView, spec: Spec): { steps: Step[]; view: OpenView } {
  const context = variable(`overlay of ${target}`);
  const mounted = variable(`view ${target}`);
  const name = target.slice(1);
  const purpose = `preparing the view of ${source}`;
  const set = (key: string, value: string) => fsconfig.step(purpose, [context, FSCONFIG_SET_STRING, key, value, 0]);
  const parents = name.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  const steps = [
    makeDirectory('views'),
    ...parents.map((path) => makeDirectory(`upper/${path}`)),
    makeDirectory(`views/${name.replaceAll('/', '-')}`),
    fsopen.step(purpose, ['overlay', FSOPEN_CLOEXEC], { into: context }),
    set('lowerdir', source),
    set('upperdir', `upper/${name}`),
    set('workdir', `views/${name.replaceAll('/', '-')}`),
    ...overlayFlags(spec).map((flag) => fsconfig.step(purpose, [context, FSCONFIG_SET_FLAG, flag, null, 0])),
    fsconfig.step(purpose, [context, FSCONFIG_CMD_CREATE, null, null, 0]),
    fsmount.step(purpose, [context, FSMOUNT_CLOEXEC, 0], { into: mounted }),
  ];
  return { steps, view: { target, mount: mounted } };
}

function mountUpper(path: string): Step[] {
  return [mount.step('mounting memory for the changes', ['tmpfs', path, 'tmpfs', 0, 'mode=700'])];
}

function makeDirectory(path: string): Step {
  return mkdirat.step(`making '${path}'`, [AT_FDCWD, path, 0o755], { onError: { EEXIST: 'next' } });
}

/**
 * `volatile`: without it, ending a container would flush the whole disk its changes are on (Linux ≥ 5.10).
 * `userxattr`: overlayfs keeps its notes where a user namespace may write them (Linux ≥ 5.11).
 */
function overlayFlags(spec: Spec): string[] {
  const onDisk = spec.root.upper === 'disk';
  return [...(onDisk ? ['volatile'] : []), ...(hasNamespace(spec, 'user') ? ['userxattr'] : [])];
}

function mountOverlay(spec: Spec): Step[] {
  const { path, layers } = spec.root;
  const flags = overlayFlags(spec);
  const options = (lower: readonly string[]) => {
    return [`lowerdir=${lower.toReversed().join(':')}`, 'upperdir=upper', 'workdir=work', ...flags].join();
  };
  const byPath = options(layers);
  const fits = Buffer.byteLength(byPath) <= MAX_MOUNT_DATA && !layers.some((layer) => /[:,\\]/.test(layer));
  const byDescriptor = layers.map((_, index) => `/proc/self/fd/${LOWER_DESCRIPTORS + index}`);
  return [
    ...(fits ? [] : layers.flatMap((layer, index) => openLower(layer, LOWER_DESCRIPTORS + index))),
    mount.step('mounting the root', ['overlay', path, 'overlay', 0, fits ? byPath : options(byDescriptor)]),
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
