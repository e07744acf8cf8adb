/** The order of a container's steps: each claim is an attack or a refusal of the kernel's that it prevents. */
import { describe, expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import type { Mount } from '../../../sdk/spec/mount-options.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import { pathsOf } from '../../../syscalls/index.ts';
import { callsOf, first, last, PIPES, ROOTLESS, SUBORDINATE, specOf, TERMINAL } from './specs.ts';

const MOUNTS: readonly Mount[] = [
  { type: 'bind', source: '/host/data', target: '/image/data' },
  { type: 'tmpfs', target: '/image/tmp' },
];
const VIEWS = [{ source: '/usr', target: '/usr' }];
const OPTIONS: ContainerOptions = { command: ['image-command'], workdir: '/image/work', mounts: MOUNTS };

const asRoot = planContainer(specOf(OPTIONS, { views: VIEWS }), PIPES);
const rootless = planContainer(specOf(OPTIONS, { views: VIEWS, facts: ROOTLESS }), PIPES);
const subordinate = planContainer(specOf(OPTIONS, { views: VIEWS, facts: SUBORDINATE }), PIPES);
const withTerminal = planContainer(specOf({ ...OPTIONS, tty: true }), TERMINAL);

describe.each([
  ['of root', asRoot],
  ['without root', rootless],
  ['with subordinate ids', subordinate],
  ['with a terminal', withTerminal],
])('a container %s', (_, { stub, launch }) => {
  const oldRootGone = first(stub, /^umount2\("\.", MNT_DETACH\)/);
  const calls = callsOf(stub);

  test("names nothing of the image until the host's files are out of reach", () => {
    const before = stub.slice(0, oldRootGone).filter((step) => step.kind === 'call');
    const paths = before.flatMap(({ call, args }) => Object.values(pathsOf(call, args)));
    const known = [
      // The root's place and what lies below, what is shown of the host, devices, and mount(8)'s "none" by its name.
      /^(\/store\/containers\/1|\/|\.)$/,
      /^(upper|work|views)(\/usr)?$/,
      /^(\/usr|\/host\/data)$/,
      /^\/dev\/(null|zero|full|random|urandom|tty)$/,
      /^(overlay|tmpfs)$/,
    ];
    expect(paths.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(paths).toContain('/host/data');
  });

  test('has the new root as root and working directory before anything is attached in it', () => {
    expect(calls[oldRootGone - 1]).toBe('pivot_root(".", ".")');
    expect(calls[oldRootGone + 1]).toBe('chdir("/")');
    expect(first(stub, /^move_mount/)).toBeGreaterThan(oldRootGone);
  });

  test('cuts its mounts off from the host before it makes the first', () => {
    const cut = first(stub, /^mount\(NULL, "\/", NULL, MS_REC\|MS_SLAVE, NULL\)/);
    expect(calls.slice(0, cut).filter((call) => /^(mount|fsmount|open_tree|move_mount)\(/.test(call))).toEqual([]);
  });

  test('has made proc and sysfs, which a user namespace may only where others are, before the old root goes', () => {
    expect(first(stub, /^fsopen\("proc"/)).toBeLessThan(oldRootGone);
    expect(first(stub, /^fsopen\("sysfs"/)).toBeLessThan(oldRootGone);
  });

  test('opens every mount before, and attaches every one behind that', () => {
    const files = calls.filter((call) => /^open_tree\(file of /.test(call));
    expect(last(stub, /^(fsmount|open_tree)\((?!file of )/)).toBeLessThan(oldRootGone);
    expect(files).toHaveLength(3);
    const opened = stub.filter((step) => step.kind === 'call' && /^(fsmount|open_tree)$/.test(step.call.syscall));
    const attached = calls.filter((call) => call.startsWith('move_mount('));
    expect(attached).toHaveLength(opened.length);
  });

  test('masks when proc, sysfs and its own /dev are there, and before the first mount of the user', () => {
    const masks = first(stub, /^mount\("\/dev\/null", "\/proc\/acpi"/);
    expect(masks).toBeGreaterThan(last(stub, /^move_mount\(mount 5 \(\/sys\)/));
    expect(masks).toBeGreaterThan(first(stub, /^mknodat\(AT_FDCWD, "\/dev\/null"/));
    expect(last(stub, /^mount_setattr\(AT_FDCWD, "\/proc\/sysrq-trigger"/)).toBeLessThan(
      first(stub, /^move_mount\(mount 9 \(\/image\/data\)/),
    );
  });

  test('masks or write-protects each of the paths', () => {
    const masked = calls.filter((call) => call.startsWith('mount("/dev/null", "/')).map((call) => call.split('"')[3]);
    const { maskedPaths, readonlyPaths } = specOf().linux;
    expect(masked).toEqual(maskedPaths);
    const isProtected = (path: string) => calls.some((call) => call.startsWith(`mount_setattr(AT_FDCWD, "${path}"`));
    expect(readonlyPaths.filter((path) => !isProtected(path))).toEqual([]);
  });

  test('makes files without a umask, and gives its process the usual one behind all that', () => {
    const makes = /^(mkdirat|mknodat|symlinkat)\(/;
    expect(first(stub, /^umask\(0000?\)/)).toBeLessThan(first(stub, makes));
    expect(last(stub, /^umask\(0022\)/)).toBeGreaterThan(last(stub, makes));
  });

  test('closes every descriptor but the report before it enters the working directory, and opens none behind that', () => {
    const closed = first(stub, /^close_range\(4, 4294967295, 0\)/);
    expect(calls[closed + 1]).toBe('chdir("/image/work")');
    const opening = /^(open|fsopen|fsmount|socket|pipe2|dup|memfd|pidfd|fcntl)/;
    expect(calls.slice(closed + 1).filter((call) => opening.test(call))).toEqual([]);
  });

  test('drops from the bounding set, then changes ids, then gives capabilities up, then resets signals', () => {
    const order = [
      last(stub, /^prctl\(PR_CAPBSET_DROP/),
      first(stub, /^setresgid/),
      first(stub, /^setresuid/),
      first(stub, /^prctl\(PR_CAP_AMBIENT/),
      first(stub, /^capset/),
      first(stub, /^rt_sigaction/),
      first(stub, /^execve/),
    ];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(last(stub, /^set(groups|resgid|resuid)/)).toBe(order[2]);
  });

  test('drops all capabilities but those of its spec, to the last one of this kernel', () => {
    const dropped = calls
      .filter((call) => call.startsWith('prctl(PR_CAPBSET_DROP'))
      .map((call) => Number(call.split(',')[1]));
    expect(dropped).toHaveLength(41 - 13);
    expect([Math.max(...dropped), dropped.includes(21), dropped.includes(0)]).toEqual([40, true, false]);
  });

  test('dies with its owner from its first step on, and closes the report when the command is entered', () => {
    expect(calls[0]).toBe('fcntl(3, F_SETFD, 1)');
    expect(calls[1]).toMatch(/^prctl\(PR_SET_PDEATHSIG, 9,/);
  });

  test('ends in the execve of the command, which is searched for in the container', () => {
    expect(calls.at(-1)).toMatch(/^execve\(/);
    expect(calls.filter((call) => call.startsWith('execve("')).every((call) => call.includes('/image-command"'))).toBe(
      true,
    );
  });

  test("does nothing in Node's memory but move descriptors and map ids", () => {
    const names = launch.map((step) => (step.kind === 'call' ? step.call.syscall : step.kind));
    // The first of two enters the user namespace, and this thread takes the second for its own.
    const inNamespace = ['setns', 'exit_group', 'add', 'label', 'waitid', 'add', 'pidfd_open', 'kill', 'waitid', 'add'];
    const allowed = ['rt_sigprocmask', 'clone3', 'equal', 'openat', 'write', 'close', 'fcntl', 'dup3', 'execveat'];
    const others = names.filter((name) => !allowed.includes(name));
    expect(others).toEqual(launch === subordinate.launch ? inNamespace : []);
    expect(names.slice(0, 3)).toEqual(['rt_sigprocmask', 'clone3', 'equal']);
    expect(names.filter((name) => ['execveat', 'rt_sigprocmask'].includes(name)).slice(-2)).toEqual([
      'execveat',
      'rt_sigprocmask',
    ]);
  });
});

describe('a container of root', () => {
  test('has all namespaces but the one of users: that of the network from the stub, for which nobody waits', () => {
    const flags = /flags=([^,]*)/.exec(callsOf(asRoot.launch)[1] ?? '')?.[1]?.split('|') ?? [];
    expect(flags.filter((flag) => flag.startsWith('CLONE_NEW')).sort()).toEqual([
      'CLONE_NEWCGROUP',
      'CLONE_NEWIPC',
      'CLONE_NEWNS',
      'CLONE_NEWPID',
      'CLONE_NEWUTS',
    ]);
    expect(first(asRoot.stub, /^unshare\(CLONE_NEWNET\)/)).toBeLessThan(first(asRoot.stub, /^fsopen\("sysfs"/));
  });

  test('makes its devices, and sets its groups', () => {
    const { stub } = asRoot;
    expect(callsOf(stub)).toContain('mknodat(AT_FDCWD, "/dev/null", S_IFCHR|0666, 259)');
    expect(callsOf(stub)).toContain('setgroups(1, [0])');
    expect(() => first(stub, /^open_tree\(AT_FDCWD, "\/dev\/null"/)).toThrow();
  });
});

describe('a container without root', () => {
  test('maps its one id and gives up setgroups before it enters the stub: unmapped, that would lose all capabilities', () => {
    const { launch } = rootless;
    expect(callsOf(launch)[1]).toContain('CLONE_NEWUSER');
    const written = callsOf(launch).filter((call) => call.startsWith('write('));
    expect(written).toEqual([
      'write(descriptor of /proc/self/setgroups, "deny", 4)',
      'write(descriptor of /proc/self/uid_map, "0 1000 1", 8)',
      'write(descriptor of /proc/self/gid_map, "0 1000 1", 8)',
    ]);
    expect(last(launch, /^write\(/)).toBeLessThan(first(launch, /^execveat/));
  });

  test("binds the host's devices, opened while those are in sight, and makes none", () => {
    const { stub } = rootless;
    expect(first(stub, /^open_tree\(AT_FDCWD, "\/dev\/null"/)).toBeLessThan(first(stub, /^pivot_root/));
    expect(callsOf(stub).filter((call) => /^mknodat.*S_IFCHR/.test(call))).toEqual([]);
    expect(callsOf(stub)).toContain(`move_mount(host's /dev/null, "", AT_FDCWD, "/dev/null", MOVE_MOUNT_F_EMPTY_PATH)`);
  });

  test('asks for no supplementary groups, which it may not have', () => {
    expect(() => first(rootless.stub, /^setgroups/)).toThrow();
  });
});

describe('a container with subordinate ids', () => {
  const { launch, stub } = subordinate;
  const clones = callsOf(launch).filter((call) => call.startsWith('clone3'));

  test('is made by a clone that has entered the user namespace that has them, and maps nothing', () => {
    const entered = first(launch, /^setns\(user namespace, CLONE_NEWUSER\)/);
    expect(first(launch, /^clone3/)).toBeLessThan(entered);
    expect(last(launch, /^clone3/)).toBeGreaterThan(entered);
    expect(clones.join()).not.toContain('CLONE_NEWUSER');
    expect(callsOf(launch).join()).not.toMatch(/_map|setgroups/);
  });

  test('is a child of Node, in new namespaces: the clone that makes it is in none of them', () => {
    expect(clones[0]).not.toMatch(/CLONE_NEW|CLONE_PARENT/);
    expect(clones[1]).toMatch(/CLONE_PARENT.*CLONE_NEWPID/);
    expect(clones.join()).not.toContain('CLONE_FILES');
    expect(first(launch, /^waitid\(P_PID, pid,/)).toBeGreaterThan(first(launch, /^exit_group/));
  });

  test('sets its groups, has the group of terminals, and may give its user what he writes to', () => {
    const user = { uid: 33, gid: 34, additionalGids: [5], home: '/' };
    const plan = planContainer(specOf({}, { facts: SUBORDINATE, user }), PIPES);
    const become = first(plan.stub, /^setresuid\(33, 33, 33\)/);
    expect(first(plan.stub, /^setgroups\(2, \[34, 5\]\)/)).toBeLessThan(become);
    expect(first(plan.stub, /^fchownat\(1, "", 33, 4294967295, AT_EMPTY_PATH\)/)).toBeLessThan(become);
    expect(callsOf(stub).join('\n')).toMatch(/fsconfig\(.*"gid", "5"/);
  });

  test("has the host's devices, as everybody without root", () => {
    expect(callsOf(stub).filter((call) => /^mknodat.*S_IFCHR/.test(call))).toEqual([]);
  });
});

test("descriptors that are not the process's own are given to nobody: /dev/null would be another's on the whole machine", () => {
  const user = { uid: 33, gid: 33, additionalGids: [], home: '/' };
  const { stub } = planContainer(specOf({}, { user }), { stdio: ['null', 1, 2], extra: [] });
  expect(() => first(stub, /^fchownat/)).toThrow();
});

describe('a terminal', () => {
  const { stub } = withTerminal;

  test("is opened in the container's own devpts, never on the host's", () => {
    const opened = first(stub, /^openat2\(AT_FDCWD, "\/dev\/pts\/ptmx"/);
    expect(opened).toBeGreaterThan(first(stub, /^move_mount\(mount 2 \(\/dev\/pts\)/));
    expect(opened).toBeLessThan(first(stub, /"\/image\//));
  });

  test('has its other side opened through the master, and never by a path', () => {
    expect(
      callsOf(stub).filter((call) => /"\/dev\/(pts\/\d+|tty|console)"/.test(call) && call.startsWith('open')),
    ).toEqual([]);
    expect(first(stub, /^ioctl\(10, TIOCGPTPEER/)).toBeLessThan(first(stub, /^dup3\(terminal, 0/));
  });

  test("is taken by a session of the process's own", () => {
    expect(first(stub, /^setsid/)).toBeLessThan(first(stub, /^ioctl\(0, TIOCSCTTY/));
  });
});

describe('options', () => {
  const plan = (options: ContainerOptions) => planContainer(specOf(options), PIPES);

  test('readOnly: the root is write-protected when all is made in it, and mounts on it are not', () => {
    const { stub } = plan({ ...OPTIONS, readOnly: true });
    const call = /^mount_setattr\(AT_FDCWD, "\/", 0, mount_attr\{attr_set=MOUNT_ATTR_RDONLY\}/;
    expect(first(stub, call)).toBeGreaterThan(last(stub, /^(mkdirat|mknodat|symlinkat|move_mount)\(/));
  });

  test("network 'host': no namespace, no loopback to bring up", () => {
    const { stub, launch } = plan({ network: 'host' });
    expect(callsOf(launch)[1]).not.toContain('CLONE_NEWNET');
    expect(callsOf(stub).join()).not.toContain('SIOCSIFFLAGS');
  });

  test("network 'host' without root: the host's sysfs is bound read-only, for its own may not be mounted", () => {
    const { stub } = planContainer(specOf({ network: 'host' }, { facts: ROOTLESS }), PIPES);
    expect(() => first(stub, /^fsopen\("sysfs"/)).toThrow();
    const opened = first(stub, /^open_tree\(AT_FDCWD, "\/sys", .*AT_RECURSIVE/);
    expect(callsOf(stub)[opened + 1]).toContain('attr_set=MOUNT_ATTR_RDONLY');
  });

  test('init: PID 1 clones the command off when it has become the user itself', () => {
    const { stub } = plan({ init: true });
    const cloned = first(stub, /^clone3/);
    expect(cloned).toBeGreaterThan(first(stub, /^capset/));
    expect(cloned).toBeLessThan(first(stub, /^setsid/));
    expect(last(stub, /^execve/)).toBeLessThan(first(stub, /^rt_sigtimedwait/));
    expect(callsOf(stub).at(-1)).toBe('exit_group(exit code)');
  });

  test('user: an ordinary one has no capabilities, its groups, and dies with its owner still', () => {
    const user = { uid: 1000, gid: 50, additionalGids: [4, 50], home: '/' };
    const { stub } = planContainer(specOf({}, { user }), PIPES);
    expect(callsOf(stub)).toContain('setgroups(2, [50, 4])');
    expect(callsOf(stub).find((call) => call.startsWith('capset'))).toMatch(/, \{\}\)$/);
    const asked = last(stub, /^prctl\(PR_SET_PDEATHSIG/);
    expect(asked).toBeGreaterThan(first(stub, /^setresuid\(1000, 1000, 1000\)/));
    expect(asked).toBeLessThan(first(stub, /^execve/));
  });

  test('mounts: a file is bound on a file, a read-only one is so before it is attached', () => {
    const mount = { type: 'bind', source: '/etc/hosts', target: '/etc/hosts', readOnly: true } as const;
    const { stub } = planContainer(specOf({ mounts: [mount] }, { mounts: [{ ...mount, kind: 'file' }] }), PIPES);
    const opened = first(stub, /^open_tree\(AT_FDCWD, "\/etc\/hosts"/);
    expect(callsOf(stub)[opened + 1]).toMatch(
      /^mount_setattr\(mount 8 \(\/etc\/hosts\), "", AT_EMPTY_PATH\|AT_RECURSIVE, mount_attr\{attr_set=MOUNT_ATTR_RDONLY, propagation=MS_PRIVATE\}/,
    );
    expect(callsOf(stub)).toContain('mknodat(directory of a place, "hosts", S_IFREG|0644, 0)');
  });

  test('mounts: two on one place are attached one on the other', () => {
    const mounts = [
      { type: 'tmpfs', target: '/twice' },
      { type: 'tmpfs', target: '/twice' },
    ] as const;
    const { stub } = plan({ mounts });
    expect(first(stub, /^move_mount\(mount 9 /)).toBeLessThan(first(stub, /^move_mount\(mount 10 /));
  });
});
