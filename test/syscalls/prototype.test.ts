import { describe, expect, test } from 'vitest';
import { parsePrototype } from '../../syscalls/prototype.ts';

const parameter = (text: string) => parsePrototype(`int call(${text})`).parameters[0];

describe('parsePrototype', () => {
  test('reads a prototype as mount(2) has it', () => {
    const { name, parameters } = parsePrototype(
      `int mount(const char *source, const char *target,
                 const char *filesystemtype, unsigned long mountflags,
                 const void *_Nullable data)`,
    );
    expect(name).toBe('mount');
    expect(parameters.map(({ name, type }) => [name, type])).toEqual([
      ['source', 'char *'],
      ['target', 'char *'],
      ['filesystemtype', 'char *'],
      ['mountflags', 'unsigned long'],
      ['data', 'void *'],
    ]);
    expect(parameters.map(({ isPath }) => isPath)).toEqual([true, true, false, false, false]);
    expect(parameters.map(({ isPointer }) => isPointer)).toEqual([true, true, true, false, true]);
  });

  test.each(['pid_t getppid(void)', 'pid_t getppid()'])('finds no parameters in %s', (prototype) => {
    expect(parsePrototype(prototype)).toEqual({ name: 'getppid', parameters: [] });
  });

  test('reads a call that returns a pointer', () => {
    expect(parsePrototype('void *mmap(void *addr)').name).toBe('mmap');
  });

  test.each([
    ['int pipefd[2]', 'pipefd'],
    ['char *const argv[]', 'argv'],
    ['struct clone_args *cl_args', 'cl_args'],
    ['const cap_user_data_t datap', 'datap'],
  ])('takes %s for a pointer that names no file', (text, name) => {
    expect(parameter(text)).toMatchObject({ name, isPointer: true, isPath: false });
  });

  test.each([
    ['int fd', -(2 ** 31), 2 ** 31 - 1],
    ['mode_t mode', 0, 2 ** 32 - 1],
    ['size_t size', 0, 2n ** 64n - 1n],
    ['off_t offset', -(2n ** 63n), 2n ** 63n - 1n],
  ])('knows the range of %s', (text, min, max) => {
    expect(parameter(text)).toMatchObject({ isPointer: false, min, max });
  });

  test('takes an unsigned long that only has a number, as arg2 of prctl(2), for an integer or a pointer', () => {
    expect(parameter('unsigned long arg2')).toMatchObject({ isWord: true, min: -(2n ** 63n), max: 2n ** 64n - 1n });
    expect(parameter('unsigned long mountflags')).toMatchObject({ isWord: false, min: 0 });
  });

  test.each([
    ['ssize_t read(int fd, void *buf, size_t count)', [0, 0, 1]],
    ['int ppoll(struct pollfd *fds, nfds_t nfds, struct timespec *tmo_p)', [0, 8, 0]],
    ['ssize_t writev(int fd, const struct iovec *iov, int iovcnt)', [0, 0, 16]],
    ['int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)', [0, 0, 1]],
    ['ssize_t copy_file_range(int fd_out, off_t *off_out, size_t len)', [0, 0, 0]],
    ['int ftruncate(int fd, off_t length)', [0, 0]],
    ['int setgroups(size_t size, const gid_t *list)', [0, 0]],
  ])('knows which parameter of %s is the length of a buffer, and what it counts', (prototype, unitBytes) => {
    expect(parsePrototype(prototype).parameters.map((each) => each.unitBytes)).toEqual(unitBytes);
  });

  test('refuses a type it does not know the size of', () => {
    expect(() => parsePrototype('int call(double value)')).toThrow(new TypeError("unknown C type 'double' of value"));
  });

  test('refuses what is no prototype', () => {
    expect(() => parsePrototype('unshare')).toThrow('not a C prototype: unshare');
  });
});
