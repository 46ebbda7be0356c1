import { asString } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** The format of `order`: up to 50 printable ASCII characters. Other values are ignored. */
const ORDER = /^[\x20-\x7e]{1,50}$/;

/** The members of an `m.space.child` event that decide its place. */
export type SpaceChild = Pick<StoredEvent, 'content' | 'ts' | 'stateKey'>;

/** Compares the children of a space (client-server API, "Ordering of children within a space"). */
export function bySpaceOrder(a: SpaceChild, b: SpaceChild): number {
  const [orderA, orderB] = [orderOf(a), orderOf(b)];
  if (orderA !== orderB) {
    if (orderA === undefined) return 1;
    if (orderB === undefined) return -1;
    return orderA < orderB ? -1 : 1;
  }
  return a.ts - b.ts || ((a.stateKey ?? '') < (b.stateKey ?? '') ? -1 : 1);
}

function orderOf({ content }: SpaceChild): string | undefined {
  const order = asString(content.order);
  return order !== undefined && ORDER.test(order) ? order : undefined;
}
