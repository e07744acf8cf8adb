/**
 * Where things lie in the store, and which owners this process can give: all that is needed to say what a container
 * would be. A door of its own, so that planning one does not read what makes it.
 */
export { readBootId } from './boot.ts';
export { readHostFile } from './host-files.ts';
export {
  claimIds,
  claimRange,
  describeRange,
  findIds,
  formatIds,
  type IdMapping,
  type IdMappings,
  idNamespaces,
  isMachineRoot,
  isMapped,
  ownIds,
  RANGE_SIZE,
  type RangeClaim,
  rangeMappings,
  shareRange,
  singleMappings,
  userMappedNamespace,
  whyNoIdmappedMemory,
  whyNotIdmapped,
} from './ids/index.ts';
export { containerPaths, describeStore, explainStoreError, openStore, type Store } from './layout.ts';
export { placesLayer } from './place-layer.ts';
