import { asString } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** `order` must be up to 50 printable ASCII characters, or it does not count. */
const ORDER = /^[\x20-\x7e]{1,50}$/;

/** The order of a space's children (client-server API, "Ordering of children within a space"). */
export function bySpaceOrder(a: StoredEvent, b: StoredEvent): number {
  const [orderA, orderB] = [orderOf(a), orderOf(b)];
  if (orderA !== orderB) {
    if (orderA === undefined) return 1;
    if (orderB === undefined) return -1;
    return orderA < orderB ? -1 : 1;
  }
  return a.ts - b.ts || ((a.stateKey ?? '') < (b.stateKey ?? '') ? -1 : 1);
}

function orderOf({ content }: StoredEvent): string | undefined {
  const order = asString(content.order);
  return order !== undefined && ORDER.test(order) ? order : undefined;
}
