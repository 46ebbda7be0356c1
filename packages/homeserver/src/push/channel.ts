import type { QueuedPush } from '../storage/push/push-queue.ts';
import type { PusherRow } from '../storage/push/pushers.ts';

/** The outcome of an attempt to notify a user of events. */
export type Outcome =
  /** Everything up to this event is told, or not worth telling. */
  | { readonly kind: 'done'; readonly upTo: number }
  /** It is too early. */
  | { readonly kind: 'later'; readonly afterMs: number }
  | { readonly kind: 'failed' }
  /** The other side does not know the pusher any more. */
  | { readonly kind: 'rejected' };

/** A way to tell users of events; there is one for each kind of pusher. */
export interface Channel {
  /** Tells of some or all of what is queued, the oldest first. Must not throw for what goes wrong outside. */
  deliver(pusher: PusherRow, queue: readonly QueuedPush[]): Promise<Outcome>;
}
