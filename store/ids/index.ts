/** The ids that this process can give to files and to the users of containers. */

export { attemptAsOwner, callAsOwner, giveTo, takeBack } from './foreign.ts';
export {
  forgetNamespaces,
  type IdNamespaces,
  idNamespaces,
  userMappedNamespace,
  whyNoIdmappedMemory,
  whyNotIdmapped,
} from './idmap.ts';
export { formatIds, type IdMapping, type IdMappings, idInside, isMapped } from './mapping.ts';
export { makeUserNamespace } from './namespace.ts';
export { type FoundIds, findIds, isMachineRoot, type OwnIds, ownIds, singleMappings } from './own-ids.ts';
export { claimIds, claimRange, describeRange, type RangeClaim, shareRange } from './range-claim.ts';
export { RANGE_SIZE, rangeMappings } from './ranges.ts';
export { isLayerRoom, roomOf } from './room.ts';
