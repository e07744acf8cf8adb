import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  checkCommand,
  checkContainerOptions,
  checkImage,
  checkProcessOptions,
  checkStopOptions,
  splitExecOptions,
  splitRunOptions,
} from '../../../sdk/spec/check.ts';

const CONTAINER_NAMES =
  'env, user, groups, workdir, tty, stdin, stdout, stderr, signal, command, entrypoint, name, labels, detach, restart, logs, hostname, mounts, devices, hosts, dns, init, network, userns, namespaces, timeOffsets, propagation, readOnly, upper, healthCheck, ready, startTimeoutMs, stopSignal';
const STRING = 'a string without NUL characters';
const STRINGS = 'an array of strings without NUL characters';
const ENVIRONMENT = 'an object of strings without NUL characters, with names without =';
const USER = 'a name, an id below 4294967295, uid:gid or name:group';
const TARGET = 'an absolute path in the container';
const TTY = 'a boolean or { columns, rows } from 0 to 65535';
const STDIN = "'pipe', 'ignore', 'inherit', a string, bytes, a stream or an async iterable";
const OUTPUT = "'pipe' or 'ignore' or 'inherit'";
const NAME = 'at most 128 letters, digits, _ . - and a letter or digit first';
const SIGNAL = "the name of a signal, as 'SIGTERM', or its number, from 1 to 64";

const BAD_OPTIONS: readonly (readonly [name: string, value: unknown, expected: string, got: string])[] = [
  ['env', 'A=1', ENVIRONMENT, 'a string'],
  ['env', ['A=1'], ENVIRONMENT, 'an array'],
  ['env', new Map([['A', '1']]), ENVIRONMENT, 'a Map'],
  ['env', null, ENVIRONMENT, 'null'],
  ['env', { A: 1 }, ENVIRONMENT, "a number for 'A'"],
  ['env', { SECRET: 'hunter2', A: ['hunter2'] }, ENVIRONMENT, "an array for 'A'"],
  ['env', { A: null }, ENVIRONMENT, "null for 'A'"],
  ['env', { A: 'a\0b' }, ENVIRONMENT, "one with a NUL character for 'A'"],
  ['env', { 'A=hunter2': '1' }, ENVIRONMENT, "the name 'A=…'"],
  ['env', { 'A\0B': '1' }, ENVIRONMENT, "the name 'A=…'"],
  ['env', { '': '1' }, ENVIRONMENT, "the name ''"],
  ['user', '', 'a user', '""'],
  ['user', 'a\0b', STRING, '"a\\u0000b"'],
  ['user', -1, USER, '-1'],
  ['user', 1.5, USER, '1.5'],
  ['user', 4_294_967_295, USER, '4294967295'],
  ['user', Number.NaN, USER, 'NaN'],
  ['user', true, USER, 'true'],
  ['workdir', 'relative', TARGET, '"relative"'],
  ['workdir', '', TARGET, '""'],
  ['workdir', 1, 'a string', '1'],
  ['workdir', '/a\0b', STRING, '"/a\\u0000b"'],
  ['tty', 'yes', TTY, '"yes"'],
  ['tty', {}, TTY, '{}'],
  ['tty', { columns: 80 }, TTY, '{"columns":80}'],
  ['tty', { columns: 80, rows: 65_536 }, TTY, '{"columns":80,"rows":65536}'],
  ['tty', { columns: Infinity, rows: 24 }, TTY, '{"columns":"Infinity","rows":24}'],
  ['tty', { columns: -1, rows: 24 }, TTY, '{"columns":-1,"rows":24}'],
  ['stdin', 1, STDIN, '1'],
  ['stdin', {}, STDIN, '{}'],
  ['stdin', null, STDIN, 'null'],
  ['stdin', () => undefined, STDIN, 'a function'],
  ['stdout', 'file', OUTPUT, '"file"'],
  ['stderr', 2, OUTPUT, '2'],
  ['signal', 'SIGTERM', 'an AbortSignal', '"SIGTERM"'],
  ['signal', new AbortController(), 'an AbortSignal', 'an AbortController'],
  ['command', 'ls -l', STRINGS, '"ls -l"'],
  ['command', ['ls', 1], STRINGS, '["ls",1]'],
  ['command', ['l\0s'], STRINGS, '["l\\u0000s"]'],
  ['entrypoint', null, STRINGS, 'null'],
  ['name', '', NAME, '""'],
  ['name', '-x', NAME, '"-x"'],
  ['name', 'a/b', NAME, '"a/b"'],
  ['name', 'a\n', NAME, '"a\\n"'],
  ['hostname', 1, 'a string', '1'],
  ['hostname', 'a\0', STRING, '"a\\u0000"'],
  ['hostname', 'a\nb', 'a string without white space', '"a\\nb"'],
  ['hostname', 'é'.repeat(33), 'at most 64 bytes', JSON.stringify('é'.repeat(33))],
  ['mounts', {}, 'an array of mounts', '{}'],
  ['init', 'true', 'a boolean', '"true"'],
  ['network', 'bridge', "'none' or 'host' or { container } or { path }", '"bridge"'],
  ['readOnly', 1, 'a boolean', '1'],
  ['upper', 'memory', "'disk' or 'tmpfs'", '"memory"'],
  ['stopSignal', 'TERM', SIGNAL, '"TERM"'],
  ['stopSignal', 0, SIGNAL, '0'],
  ['stopSignal', 65, SIGNAL, '65'],
  ['stopSignal', 1.5, SIGNAL, '1.5'],
  ['stopSignal', 'toString', SIGNAL, '"toString"'],
];

test.each(BAD_OPTIONS)('%s: %j is refused', (name, value, expected, got) => {
  expect(refusal(() => checkContainerOptions({ [name]: value }))).toBe(
    `option '${name}' must be ${expected}, got ${got}`,
  );
});

test.each(['unknown', 'toString', 'constructor', '__proto__', 'hasOwnProperty'])('%s is no option', (name) => {
  const options = JSON.parse(`{ "${name}": 1 }`);
  expect(refusal(() => checkContainerOptions(options))).toBe(`unknown option '${name}'; there are ${CONTAINER_NAMES}`);
});

test.each([null, undefined, 'options', 1, [], new Map(), Promise.resolve({})])(
  '%j is no object of options',
  (options) => {
    expect(refusal(() => checkContainerOptions(options))).toMatch(/^options must be an object, got /);
  },
);

test.each([
  ['comand', "did you mean 'command'?"],
  ['Env', "did you mean 'env'?"],
  ['read_only', "did you mean 'readOnly'?"],
  ['mount', "did you mean 'mounts'?"],
  ['cwd', "did you mean 'workdir'?"],
  ['volumes', "did you mean 'mounts'?"],
  ['environment', "did you mean 'env'?"],
  ['ports', 'reach its ports by container.connect()'],
  ['rm', 'run() removes its container by itself'],
])('who writes %s is told what it is called here', (name, hint) => {
  const message = refusal(() => checkContainerOptions({ [name]: 1 }));
  expect(message.startsWith(`unknown option '${name}'; there are ${CONTAINER_NAMES} (${hint}`)).toBe(true);
});

test('what cannot be written as JSON is described all the same', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(refusal(() => checkContainerOptions({ init: circular }))).toBe(
    "option 'init' must be a boolean, got [object Object]",
  );
  expect(refusal(() => checkContainerOptions({ init: 1n }))).toBe("option 'init' must be a boolean, got 1");
  expect(refusal(() => checkContainerOptions({ init: Number.POSITIVE_INFINITY }))).toMatch(/got Infinity$/);
});

test('what is long is cut, bytes are counted and objects of classes are named', () => {
  class Container {
    readonly id = 'abc';
    readonly name = 'web';
    readonly secret = 'x'.repeat(1000);
  }
  const init = (value: unknown) => refusal(() => checkContainerOptions({ init: value }));
  const expected = "option 'init' must be a boolean, got ";
  expect(init(['x'.repeat(1000)])).toBe(`${expected}["${'x'.repeat(198)}…`);
  expect(init(Buffer.alloc(5_000_000))).toBe(`${expected}a Uint8Array of 5000000 bytes`);
  expect(init({ of: new Uint8Array(7), at: new Container() })).toBe(
    `${expected}{"of":"a Uint8Array of 7 bytes","at":"Container 'web'"}`,
  );
  const hostname = () => checkContainerOptions({ hostname: 'a', namespaces: { uts: { container: new Container() } } });
  expect(refusal(hostname)).toMatch(/but namespaces.uts is {"container":"Container 'web'"}$/);
});

describe('good options are accepted', () => {
  test.each([
    {},
    { env: undefined, command: undefined, signal: undefined },
    { env: { A: '', B: undefined, 'with space': 'a=b' } },
    { user: 0 },
    { user: 4_294_967_294 },
    { user: '1000:staff' },
    { workdir: '/' },
    { tty: true, stdin: 'pipe' },
    { tty: false, stdin: 'ignore' },
    { tty: { columns: 0, rows: 65_535 } },
    { stdin: 'text of its own' },
    { stdin: Buffer.from('bytes') },
    { stdin: Readable.from([]) },
    { stdin: new ReadableStream() },
    { stdin: (async function* () {})() },
    { stdout: 'inherit', stderr: 'ignore' },
    { signal: AbortSignal.abort() },
    { command: [], entrypoint: [''] },
    { name: 'a' },
    { name: '0_.-Z' },
    { hostname: '' },
    { hostname: 'é'.repeat(32) },
    { mounts: [] },
    { init: true, network: 'host', readOnly: true, upper: 'tmpfs', stopSignal: 'SIGUSR1' },
    { stopSignal: 15 },
    { stopSignal: 64 },
    { env: Object.assign(Object.create(null), { A: '1' }) },
    { env: process.env },
  ])('%o', (options) => {
    checkContainerOptions(options);
  });
});

const TYPES = "'bind' or 'tmpfs' or 'volume' or 'image' or 'overlay' or 'file'";

describe('mounts', () => {
  const bind = { type: 'bind', source: '/data', target: '/data' };
  const tmpfs = { type: 'tmpfs', target: '/tmp' };
  const volume = { type: 'volume', target: '/data' };
  const name = 'at most 128 letters, digits, _ . - and a letter or digit first';
  const below = 'an absolute path below / in the container';
  const mode = 'permissions from 0 to 0o7777';

  test.each<[unknown, string]>([
    ['/data', `mounts[1] must have a type of ${TYPES}, got "/data"`],
    [null, `mounts[1] must have a type of ${TYPES}, got null`],
    [{ type: 'nfs', target: '/x' }, `mounts[1] must have a type of ${TYPES}, got {"type":"nfs","target":"/x"}`],
    [{ type: 'toString' }, `mounts[1] must have a type of ${TYPES}, got {"type":"toString"}`],
    [{ type: 'bind', target: '/x' }, `mounts[1] of type 'bind' must have a source, got {"type":"bind","target":"/x"}`],
    [{ type: 'bind', source: '/x' }, `mounts[1] of type 'bind' must have a target, got {"type":"bind","source":"/x"}`],
    [{ type: 'tmpfs' }, `mounts[1] of type 'tmpfs' must have a target, got {"type":"tmpfs"}`],
    [{ ...bind, source: '' }, 'mounts[1].source must be a path of this machine, got ""'],
    [{ ...bind, source: 1 }, 'mounts[1].source must be a string, got 1'],
    [{ ...bind, source: '/a\0' }, 'mounts[1].source must be a string without NUL characters, got "/a\\u0000"'],
    [{ ...bind, target: 'data' }, `mounts[1].target must be ${TARGET}, got "data"`],
    [{ ...bind, target: '/' }, `mounts[1].target must be ${below}, got "/"`],
    [{ ...bind, target: '/a/../' }, `mounts[1].target must be ${below}, got "/a/../"`],
    [{ ...tmpfs, target: '//.' }, `mounts[1].target must be ${below}, got "//."`],
    [{ ...bind, readOnly: 'yes' }, 'mounts[1].readOnly must be a boolean, got "yes"'],
    [
      { ...bind, mode: 0o700 },
      'unknown mounts[1].mode; there are type, target, readOnly, source, recursive, propagation, idmap',
    ],
    [{ ...tmpfs, source: '/x' }, 'unknown mounts[1].source; there are type, target, readOnly, sizeBytes, mode'],
    [{ ...tmpfs, sizeBytes: 0 }, 'mounts[1].sizeBytes must be a positive integer, got 0'],
    [{ ...tmpfs, sizeBytes: '1m' }, 'mounts[1].sizeBytes must be a positive integer, got "1m"'],
    [{ ...tmpfs, mode: '755' }, `mounts[1].mode must be ${mode}, got "755"`],
    [{ ...tmpfs, mode: 0o10000 }, `mounts[1].mode must be ${mode}, got 4096`],
    [
      { ...bind, propagation: 'rshared' },
      `mounts[1].propagation must be 'private' or 'slave' or 'shared', got "rshared"`,
    ],
    [{ ...volume, source: '../x' }, `mounts[1].source must be ${name}, got "../x"`],
    [{ ...volume, source: { name: '/' } }, `mounts[1].source must be ${name}, got {"name":"/"}`],
    [{ ...volume, subpath: 'a/../..' }, `mounts[1].subpath must be a relative path without '..', got "a/../.."`],
    [{ ...volume, subpath: '/a' }, `mounts[1].subpath must be a relative path without '..', got "/a"`],
    [
      { type: 'image', target: '/x' },
      `mounts[1] of type 'image' must have a image, got {"type":"image","target":"/x"}`,
    ],
    [{ type: 'image', target: '/x', image: 'alpine' }, 'mounts[1].image must be an Image, got "alpine"'],
    [{ type: 'file', target: '/x' }, `mounts[1] of type 'file' must have a content, got {"type":"file","target":"/x"}`],
    [{ type: 'file', target: '/x', content: 7 }, 'mounts[1].content must be a string or bytes, got 7'],
    [
      { type: 'file', target: '/x', content: 'x'.repeat(5_000_000) },
      'mounts[1].content must be of at most 4194304 bytes, got 5000000 bytes',
    ],
    [{ ...bind, recursive: 1 }, "mounts[1].recursive must be a boolean or 'writable', got 1"],
    [{ ...bind, recursive: 'writable' }, "mounts[1].recursive 'writable' takes readOnly: true, got undefined"],
  ])('%j is refused', (mount, message) => {
    expect(refusal(() => checkContainerOptions({ mounts: [bind, mount] }))).toBe(message);
  });

  test.each(['/data', '/data/', '//srv/../data/.'])('two at one target, %s, are refused', (target) => {
    const message = `mounts[2].target '${target}' is that of mounts[0], too`;
    expect(refusal(() => checkContainerOptions({ mounts: [bind, tmpfs, { ...tmpfs, target }] }))).toBe(message);
  });

  test('with all their members are accepted', () => {
    const mounts = [
      bind,
      { ...bind, readOnly: true, source: 'relative', target: '/other' },
      { ...bind, readOnly: true, recursive: 'writable', target: '/third' },
      { ...tmpfs, sizeBytes: 4096, mode: 0, readOnly: false },
    ];
    checkContainerOptions({ mounts });
  });
});

describe('with a terminal', () => {
  test.each([
    ['stdin', 'ignore'],
    ['stdin', 'text'],
    ['stdout', 'inherit'],
    ['stderr', 'ignore'],
  ])('%s cannot be %j', (name, value) => {
    const message = `option '${name}' must be 'pipe' with a tty, got "${value}"`;
    expect(refusal(() => checkContainerOptions({ tty: true, [name]: value }))).toBe(message);
    expect(refusal(() => checkProcessOptions({ tty: { columns: 1, rows: 1 }, [name]: value }))).toBe(message);
  });
});

test('a process in a container takes no option of a container', () => {
  const message = "unknown option 'init'; there are env, user, groups, workdir, tty, stdin, stdout, stderr, signal";
  expect(refusal(() => checkProcessOptions({ init: true }))).toBe(message);
  checkProcessOptions({ user: 'app', workdir: '/srv', tty: true });
});

describe('options of collecting', () => {
  const timeout = 'an integer from 1 to 2147483647';

  test.each<[string, unknown, string]>([
    ['encoding', 'latin1', `'utf8' or 'buffer', got "latin1"`],
    ['maxOutputBytes', 0, 'a positive integer, got 0'],
    ['maxOutputBytes', Number.POSITIVE_INFINITY, 'a positive integer, got Infinity'],
    ['timeoutMs', '100', `${timeout}, got "100"`],
    ['timeoutMs', -1, `${timeout}, got -1`],
    // Node's timers would fire at once.
    ['timeoutMs', 2 ** 31, `${timeout}, got 2147483648`],
  ])('%s: %j is refused', (name, value, rest) => {
    const message = `option '${name}' must be ${rest}`;
    expect(refusal(() => splitRunOptions({ [name]: value }))).toBe(message);
    expect(refusal(() => splitExecOptions({ [name]: value }))).toBe(message);
  });

  test('are told from the others', () => {
    const options = { encoding: 'buffer', timeoutMs: 1, env: { A: '1' }, user: 0 } as const;
    const split = {
      collect: { encoding: 'buffer', maxOutputBytes: undefined, timeoutMs: 1 },
      rest: { env: { A: '1' }, user: 0 },
    };
    expect(splitExecOptions(options)).toEqual(split);
    expect(splitRunOptions({ ...options, detach: false } as object)).toEqual(split);
  });

  test('are among those that an error lists, and what run and exec do not take is not', () => {
    const run = refusal(() => splitRunOptions({ timeout: 5 } as object));
    expect(run).toMatch(/^unknown option 'timeout'; .* stopSignal, encoding, maxOutputBytes, timeoutMs \(did you mean/);
    expect(run).not.toMatch(/command|detach|restart|ready|startTimeoutMs/);
    const exec = refusal(() => splitExecOptions({ maxBuffer: 5 } as object));
    expect(exec).toMatch(/stderr, signal, encoding, maxOutputBytes, timeoutMs \(did you mean 'maxOutputBytes'\?\)$/);
  });

  test.each([null, [], 'utf8', new Map()])('%j are none', (options) => {
    expect(refusal(() => splitRunOptions(options as object))).toMatch(/^options must be an object, got /);
    expect(refusal(() => splitExecOptions(options as object))).toMatch(/^options must be an object, got /);
  });

  test('a run has its command before its options', () => {
    const message = "option 'command' is for Container.start(): the command of a run is given before its options";
    expect(refusal(() => splitRunOptions({ command: ['x'] } as object))).toBe(message);
  });
});

test.each<[unknown, string]>([
  [[], 'command must be at least one string, got []'],
  ['ls', `command must be ${STRINGS}, got "ls"`],
  [undefined, `command must be ${STRINGS}, got undefined`],
  [['a', 'b\0'], `command must be ${STRINGS}, got ["a","b\\u0000"]`],
])('%j is no command', (command, message) => {
  expect(refusal(() => checkCommand(command))).toBe(message);
});

test.each<[unknown, string]>([
  ['debian', 'image must be an Image, as Image.host() gives, got "debian"'],
  [undefined, 'image must be an Image, as Image.host() gives, got undefined'],
  [{ name: 'host' }, 'image must be an Image, as Image.host() gives, got {"name":"host"}'],
])('%j is no image', (image, message) => {
  expect(refusal(() => checkImage(image))).toBe(message);
});

describe('options of stopping', () => {
  const time = "option 'timeoutMs' must be an integer from 0 to 2147483647, got ";

  test.each<[unknown, string]>([
    ['5', 'options must be an object, got "5"'],
    [null, 'options must be an object, got null'],
    [{ timeout: 5 }, "unknown option 'timeout'; there are timeoutMs, signal (did you mean 'timeoutMs'?)"],
    [{ timeoutMs: '5' }, `${time}"5"`],
    [{ timeoutMs: -1 }, `${time}-1`],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, `${time}Infinity`],
    [{ signal: 'FOO' }, `option 'signal' must be ${SIGNAL}, got "FOO"`],
    [{ signal: 'toString' }, `option 'signal' must be ${SIGNAL}, got "toString"`],
    [
      { signal: AbortSignal.abort() },
      "option 'signal' must be a signal to the container, as 'SIGTERM', got an AbortSignal",
    ],
  ])('%j is refused', (options, message) => {
    expect(refusal(() => checkStopOptions(options as object))).toBe(message);
  });

  test('have their signal by its name', () => {
    expect(checkStopOptions({ timeoutMs: 0, signal: 9 })).toEqual({ timeoutMs: 0, signal: 'SIGKILL' });
    expect(checkStopOptions({ signal: 37 })).toEqual({ signal: 37 });
    expect(checkStopOptions({})).toEqual({});
  });
});

/** The message of the TypeError that a check ends with. */
function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as TypeError).message;
  }
  throw new Error('it was accepted');
}
