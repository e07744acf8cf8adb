/** /dev, /proc and /sys of a container. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, test } from 'vitest';
import { busybox, busyboxCopy, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

test('/dev has the standard devices, which everybody may use', async (context) => {
  const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
  const { stdout } = await Container.run(
    busybox(context),
    sh(`cd /dev; stat -c '%n %F %a %t:%T' ${devices.join(' ')}`),
  );
  expect(stdout.trim().split('\n')).toEqual([
    'null character special file 666 1:3',
    'zero character special file 666 1:5',
    'full character special file 666 1:7',
    'random character special file 666 1:8',
    'urandom character special file 666 1:9',
    'tty character special file 666 5:0',
  ]);
});

test('/dev has nothing else but links, terminals and shared memory', async (context) => {
  const { stdout } = await Container.run(
    busybox(context),
    sh('cd /dev; for f in * .[!.]*; do echo "$f $(readlink $f)"; done'),
  );
  const devices = ['full', 'null', 'random', 'tty', 'urandom', 'zero', 'mqueue', 'pts', 'shm'];
  const links = ['core /proc/kcore', 'fd /proc/self/fd', 'ptmx pts/ptmx'];
  const streams = ['stdin /proc/self/fd/0', 'stdout /proc/self/fd/1', 'stderr /proc/self/fd/2'];
  const expected = [...devices.map((name) => `${name} `), ...links, ...streams];
  expect(
    stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '.[!.]*')
      .map((line) => line.padEnd(1))
      .sort(),
  ).toEqual(expected.sort());
});

test('the devices work', async (context) => {
  const script = sh(`echo gone > /dev/null
    head -c 3 /dev/zero | od -An -tx1
    (echo x > /dev/full) 2>&1
    head -c 8 /dev/urandom | wc -c
    echo through > /dev/stdout`);
  const { stdout } = await Container.run(busybox(context), script);
  expect(stdout.split('\n').map((line) => line.trim())).toEqual([
    '00 00 00',
    'sh: write error: No space left on device',
    '8',
    'through',
    '',
  ]);
});

test('/dev/pts is a container’s own, and has its terminal', async (context) => {
  const image = busybox(context);
  expect((await Container.run(image, ['ls', '/dev/pts'])).stdout).toBe('ptmx\n');
  const script = sh('ls /dev/pts; tty; stat -c %a:%u /dev/pts/0; echo through > /dev/console');
  const { stdout } = await Container.run(image, script, { tty: true });
  expect(stdout).toBe('0     ptmx\r\n/dev/pts/0\r\n620:0\r\nthrough\r\n');
});

test('/dev/shm and /dev/mqueue are writable, private, and can hold no program', async (context) => {
  const image = busybox(context);
  const script = sh(
    'echo x > /dev/shm/f; stat -c %a /dev/shm; mkdir /dev/mqueue/q 2>/dev/null; grep -E " /dev/(shm|mqueue) " /proc/mounts',
  );
  const { stdout } = await Container.run(image, script);
  const [mode, ...mounts] = stdout.trim().split('\n');
  expect(mode).toBe('1777');
  expect(mounts.sort()).toEqual([
    expect.stringMatching(/^\S+ \/dev\/mqueue mqueue rw,nosuid,nodev,noexec,/),
    expect.stringMatching(/^\S+ \/dev\/shm tmpfs rw,nosuid,nodev,noexec,.*size=65536k/),
  ]);
  expect((await Container.run(image, ['ls', '/dev/shm'])).stdout).toBe('');
});

test('/sys is read-only', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh('(mkdir /sys/x) 2>&1; grep " /sys " /proc/mounts'));
  expect(stdout).toMatch(
    /(Read-only file system|Operation not permitted|No such file or directory|Permission denied)\n\S+ \/sys sysfs ro,nosuid,nodev,noexec/,
  );
});

test.for(['/proc/sys', '/proc/irq', '/proc/bus', '/proc/fs', '/proc/sysrq-trigger'])(
  '%s is read-only',
  async (path, context) => {
    const { stdout } = await Container.run(
      busybox(context),
      sh(`[ -e ${path} ] || echo absent; grep " ${path} " /proc/mounts`),
    );
    if (stdout === 'absent\n') return;
    expect(stdout).toMatch(/^\S+ \S+ proc ro,nosuid,nodev,noexec,/);
  },
);

test('settings of the kernel cannot be written', async (context) => {
  const files = [
    '/proc/sys/kernel/core_pattern',
    '/proc/sys/kernel/hostname',
    '/proc/sys/vm/drop_caches',
    '/proc/sysrq-trigger',
  ];
  const script = sh(
    `for file in ${files.join(' ')}; do (: > $file) 2>/dev/null && echo "wrote $file"; done; echo done`,
  );
  expect((await Container.run(busybox(context), script)).stdout).toBe('done\n');
});

const masked = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'timer_list',
  'timer_stats',
];
const maskedPaths = [...masked.map((name) => `/proc/${name}`), '/sys/firmware', '/sys/devices/virtual/powercap'];

test('what tells about this machine is masked: empty, and not to be written', async (context) => {
  const script = sh(`for path in ${maskedPaths.join(' ')}; do
      [ -e $path ] || continue
      [ -d $path ] && [ -n "$(ls -A $path)" ] && echo "$path has something in it"
      [ -d $path ] && touch $path/file 2>/dev/null && echo "$path can be written"
      [ -d $path ] || [ -z "$(head -c 1 $path)" ] || echo "$path can be read"
    done; echo done`);
  expect(await Container.run(busybox(context), script)).toMatchObject({ stdout: 'done\n', stderr: '' });
});

test('masks and write protection cannot be taken away', async (context) => {
  const script = sh(
    'umount /proc/sys /proc/keys /sys 2>/dev/null; mount -o remount,rw /proc/sys 2>/dev/null; (: > /proc/sys/kernel/core_pattern) 2>&1; head -c 1 /proc/keys',
  );
  expect((await Container.run(busybox(context), script)).stdout).toMatch(
    /^sh: .*(Read-only file system|Permission denied)\n$/,
  );
});

test.runIf(isRoot)('root in a container makes no devices, and those of an image are of no use', async (context) => {
  // 1:1 is the memory of the machine. No cgroup says which devices may be opened.
  const image = busyboxCopy(context);
  execFileSync('mknod', [join(image, 'mem'), 'c', '1', '1']);
  const made = 'for place in / /dev /dev/shm /tmp; do mknod $place/made c 1 1 && echo made in $place; done';
  const script = sh(`${made}; head -c 1 /mem && echo read; mkfifo /tmp/fifo && echo a FIFO`);
  expect(await Container.run(Image.directory(image), script)).toMatchObject({ stdout: 'a FIFO\n' });
});
