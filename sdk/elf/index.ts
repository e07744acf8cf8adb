export { parseLdCache } from './ld-cache.ts';
export { type ByteReader, bytesReader, type Elf, parseElf } from './parse.ts';
export { readElf } from './read.ts';
export { type SharedLibrariesOptions, type SharedLibrary, sharedLibraries } from './resolve.ts';
