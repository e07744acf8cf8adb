/**
 * Where things lie in the store, and which owners this process can give: all that is needed to say what a container
 * would be. A door of its own, so that importing caisson does not read what makes one.
 */
export { crypto } from './crypto.ts';
export {
  findIds,
  formatIds,
  type IdMapping,
  type IdMappings,
  isMachineRoot,
  isMapped,
  ownIds,
  singleMappings,
} from './ids/index.ts';
export { containerPaths, describeStore, openStore, type Store } from './layout.ts';
