/** Who owns what is copied into a container. */
import { hasCode, O_RDONLY } from '../../../syscalls/index.ts';
import { assertMapped, resolveUser } from '../../spec/user.ts';
import { parseUserFiles, readUserFile } from '../../spec/user-files.ts';
import { openInContainer, type Session } from '../session.ts';

/** An owner by the container's ids. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds an owner by the container's own passwd and group files.
 * @throws CaissonError USER_NOT_FOUND, GROUP_NOT_FOUND, INVALID_USER, USER_NOT_MAPPED
 */
export async function findOwner(session: Session, owner: string | number): Promise<Owner> {
  const [passwd, group] = await Promise.all([readUsers(session, '/etc/passwd'), readUsers(session, '/etc/group')]);
  const { uid, gid } = resolveUser(owner, parseUserFiles(passwd, group));
  const { uids: uidMappings, gids: gidMappings, ids } = session;
  assertMapped({ uid, gid, additionalGids: [] }, { uidMappings, gidMappings, ids });
  return { uid, gid };
}

async function readUsers(session: Session, path: string): Promise<string> {
  try {
    const file = await openInContainer(session, path, { flags: O_RDONLY });
    return readUserFile(file, path.slice(1)) ?? '';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')) return '';
    throw error;
  }
}
