import { closeSync, mkdirSync, openSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { stageLayer } from '../../store/layer/unpack.ts';
import { openStore } from '../../store/layout.ts';
import { spreadDirectories } from '../../store/spread.ts';
import { FS_IOC_GETFLAGS, FS_TOPDIR_FL, ioctl } from '../../syscalls/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';

// include/uapi/linux/magic.h
const EXT4_SUPER_MAGIC = 0xef53;

/** The flags of a directory; 0 where its file system has none. */
function flagsOf(path: string): number {
  const descriptor = openSync(path, 'r');
  try {
    const flags = new Uint32Array(2);
    ioctl.attempt(descriptor, FS_IOC_GETFLAGS, new Uint8Array(flags.buffer));
    return flags[0] as number;
  } finally {
    closeSync(descriptor);
  }
}

test('the store of who only unpacks layers is spread, too', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const empty = Buffer.alloc(1024);
  await stageLayer(store, Readable.from([empty]), digestOf(empty));
  const unpacked = flagsOf(store.tmp);
  spreadDirectories(store);
  expect(unpacked).toBe(flagsOf(store.tmp));
});

test('ext4 is told to spread what begins in the store; other file systems, and what is made there, are as before', (context) => {
  const { tmp, containers } = openStore(temporaryDirectory(context));
  spreadDirectories({ tmp });
  spreadDirectories({ tmp });
  const usual = flagsOf(containers);
  const isExt4 = statfsSync(tmp).type === EXT4_SUPER_MAGIC;
  expect(flagsOf(tmp)).toBe(isExt4 ? usual | FS_TOPDIR_FL : usual);
  const made = join(tmp, 'made');
  mkdirSync(made);
  expect(flagsOf(made)).toBe(usual);
});
