import type { QueuedPush } from '../storage/push/push-queue.ts';
import type { PusherRow } from '../storage/push/pushers.ts';

/** The outcome of an attempt to notify a user of events. */
export type Outcome =
  /** All notifications up to this event are delivered or not necessary any more. */
  | { readonly kind: 'done'; readonly upTo: number }
  /** The delivery must wait. */
  | { readonly kind: 'later'; readonly afterMs: number }
  | { readonly kind: 'failed' }
  /** The gateway has rejected the pusher. */
  | { readonly kind: 'rejected' };

/** A way of delivery; there is one for each kind of pusher. */
export interface Channel {
  /**
   * Delivers some or all of the queued notifications, the oldest first. It must not throw for failures of the other
   * side.
   */
  deliver(pusher: PusherRow, queue: readonly QueuedPush[]): Promise<Outcome>;
}
