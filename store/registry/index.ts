/** The client for registries: OCI's distribution-spec 1.1, and Docker's registries before it. */
export type { Credentials } from './credentials.ts';
export { downloadBlob } from './download.ts';
export { type Endpoint, endpointsOf, formatEndpoint } from './endpoints.ts';
export { addToFallbackTag } from './fallback-tag.ts';
export { fallbackTag, fetchReferrers, fetchTags, type Referrer, readReferrers } from './listings.ts';
export { type FetchedManifest, fetchManifest, headManifest, putManifest } from './manifests.ts';
export { normalizeRegistryOptions, type RegistryOptions, type RegistryRule } from './options.ts';
export { deleteRemoteImage, listReferrers, listRemoteTags } from './remote.ts';
export type { Retry } from './retry.ts';
export { openRepository, type Repository } from './session.ts';
export { type Uploaded, uploadBlob } from './upload.ts';
