export { type HostEntry, type HostFacts, readHostFacts } from './facts.ts';
export { readHosts, readResolvConf } from './network-files.ts';
export { describeHostSkeleton, type HostSkeleton, prepareHostSkeleton } from './skeleton.ts';
export { type HostImageSource, type HostView, hostImageSource, type SkeletonNode } from './source.ts';
