/** What a pod says of the container that holds its namespaces: no option of anybody else's. */

/** In options: the container runs no command, but a process of ours that does nothing (plan/pause.ts). */
export const PAUSE = Symbol('caisson: hold namespaces');
