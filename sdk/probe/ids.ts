/** Ids that this user can give to the users of his containers, and mounts that show others. */
import { closeSync } from 'node:fs';
import { type FoundIds, findIds, makeUserNamespace, type OwnIds, ownIds, whyNotIdmapped } from '../../store/index.ts';
import type { Finding } from './fact.ts';
import { refusalOf } from './trial.ts';

/** Docker's and podman's images have users up to here. */
const USUAL_IDS = 65_536;

/**
 * What the ids of a user are good for. Pure.
 * @param found what /etc/subuid, /etc/subgid and the PATH say
 * @param own what came of it
 */
export function judgeIds(found: FoundIds, own: OwnIds): Finding {
  if (own.kind === 'all') return { status: 'ok', summary: 'root can give any id' };
  if (own.kind === 'single') {
    const isRefused = found.kind === 'subordinate';
    return {
      status: 'limited',
      summary: 'containers have the one user 0',
      detail: own.reason,
      remedy: isRefused
        ? 'newuidmap and newgidmap must be set-user-ID root, or have CAP_SETUID and CAP_SETGID as file capabilities'
        : 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535, and newuidmap and newgidmap (package uidmap or shadow-utils)',
    };
  }
  const [uids, gids] = [own.mappings.uid, own.mappings.gid].map((each) => {
    return each.reduce((sum, { size }) => sum + size, 0);
  }) as [number, number];
  const summary = `containers have ${uids} uids and ${gids} gids`;
  if (Math.min(uids, gids) >= USUAL_IDS) return { status: 'ok', summary };
  return { status: 'limited', summary, remedy: `images may have ids up to ${USUAL_IDS - 1}: usermod --add-subuids` };
}

/** The ids of this user. newuidmap and newgidmap are really run. */
export function probeIds(): Finding {
  return judgeIds(findIds(), ownIds());
}

/** A range as containers get it: what is mapped in the namespace is of no importance to the trial. */
const RANGE = [{ containerID: 0, hostID: 100_000, size: 1000 }];

/** What was answered to showing a file system with other owners. Pure. */
export function judgeIdmap(isRoot: boolean, path: string, refusal: string | undefined): Finding {
  if (!isRoot) return { status: 'limited', summary: 'only root of the machine may make them', detail: undefined };
  if (refusal === undefined)
    return { status: 'ok', summary: `the file system of '${path}' can be shown with other ids` };
  return {
    status: 'missing',
    summary: `the file system of '${path}' cannot be shown with other ids`,
    detail: refusal,
    remedy:
      'a store on ext4, xfs or btrfs (CAISSON_ROOT), and Linux 5.19; without, containers of root run with userns: host',
  };
}

/**
 * Idmapped mounts of the file system of a path.
 * @param path an existing one
 */
export function probeIdmap(isRoot: boolean, path: string): Finding {
  if (!isRoot) return judgeIdmap(false, path, undefined);
  let answer: string | undefined;
  const refusal = refusalOf(() => {
    const namespace = makeUserNamespace({ uid: RANGE, gid: RANGE }, 'root');
    try {
      answer = whyNotIdmapped(path, namespace);
    } finally {
      closeSync(namespace);
    }
    return undefined;
  });
  return judgeIdmap(true, path, answer ?? refusal?.message);
}
