import type { RemotePeeks } from '../../src/rooms/peeking/remote-peeks.ts';

/** The peeks of a server that peeks into no room. */
export const NO_PEEKS: Pick<RemotePeeks, 'has' | 'of'> = { has: () => false, of: () => undefined };
