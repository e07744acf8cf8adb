/** What can be asked of a registry without pulling anything. */
import type { Referrer, RegistryOptions } from '../store/transfer.ts';

/** Registries, and what they have. Images are pulled with `Image.pull` and pushed with `image.push`. */
export const Registry = {
  /**
   * The tags of a repository.
   *
   * @param repository as Docker reads names: `debian`, `localhost:5000/me/app`
   * @throws CaissonError IMAGE_NOT_FOUND when there is no such repository; UNAUTHORIZED, REGISTRY_UNREACHABLE …
   * @example const tags = await Registry.tags('debian')
   */
  async tags(repository: string, options: RegistryOptions = {}): Promise<readonly string[]> {
    const { checkReference, checkRegistryOptions, listRemoteTags } = await import('./image-runtime.ts');
    checkReference(repository, 'repository');
    checkRegistryOptions(options);
    return listRemoteTags(repository, options);
  },

  /**
   * What refers to an image: signatures, attestations, bills of materials.
   *
   * @param options `artifactType` asks for one kind only
   * @throws as {@link Registry.tags}
   */
  async referrers(
    reference: string,
    options: RegistryOptions & { readonly artifactType?: string | undefined } = {},
  ): Promise<readonly Referrer[]> {
    const { checkReference, checkReferrerOptions, listReferrers } = await import('./image-runtime.ts');
    checkReference(reference);
    checkReferrerOptions(options);
    return listReferrers(reference, options);
  },

  /**
   * Deletes a tag, or, by its digest, an image with all its tags.
   * @throws CaissonError IMAGE_NOT_FOUND; UNSUPPORTED where the registry does not delete
   */
  async delete(reference: string, options: RegistryOptions = {}): Promise<void> {
    const { checkReference, checkRegistryOptions, deleteRemoteImage } = await import('./image-runtime.ts');
    checkReference(reference);
    checkRegistryOptions(options);
    return deleteRemoteImage(reference, options);
  },
} as const;
