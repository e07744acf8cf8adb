/** The ids that this process can give to files and to the users of containers. */

export { attemptAsOwner, callAsOwner, giveTo, takeBack } from './foreign.ts';
export { formatIds, type IdMapping, type IdMappings, idInside, isMapped } from './mapping.ts';
export { type FoundIds, findIds, isMachineRoot, type OwnIds, ownIds, singleMappings } from './own-ids.ts';
export { isLayerRoom, roomOf } from './room.ts';
