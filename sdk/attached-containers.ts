/** The attached containers of this thread, by their ids: whoever asks for one of them gets the object that it is. */
import { shared } from '../syscalls/common.ts';
import type { Container } from './container.ts';

/** From when they are made until they are removed. */
export const attachedContainers = shared('attached', () => new Map<string, Container>());
