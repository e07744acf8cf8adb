/** How files are copied. */

/** How files are copied into a container. */
export interface CopyInOptions {
  /**
   * Who owns them there: a name, uid, `'uid:gid'` or `'name:group'`, by the container's own /etc/passwd and /etc/group.
   * @default root; in an archive, whoever it says
   */
  readonly owner?: string | number | undefined;
  /** Whether they keep the owners they have, by number. @default false */
  readonly preserveOwner?: boolean | undefined;
  /** Whether a link that is named as the source is what it leads to. Links below it stay links. @default false */
  readonly followLink?: boolean | undefined;
  /** Ends the copy; what has been copied stays. */
  readonly signal?: AbortSignal | undefined;
}

/** How files are copied out of a container. */
export interface CopyOutOptions {
  /**
   * Whether they keep the owners they have in the container, by number, which only root can give; and with them
   * set-user-ID, set-group-ID and file capabilities, which are left out otherwise.
   * @default false
   */
  readonly preserveOwner?: boolean | undefined;
  /** As of {@link CopyInOptions}. */
  readonly followLink?: boolean | undefined;
  /** As of {@link CopyInOptions}. */
  readonly signal?: AbortSignal | undefined;
}
