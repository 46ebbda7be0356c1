import { asInteger, asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';

/** The number of events of a stripped state, and the length of their contents, in characters. */
const EVENTS_MAX = 100;
const LENGTH_MAX = 256 * 1024;

/**
 * Returns the state events that another server has sent with an invite or a knock in the form for clients
 * (client-server API, "Stripped state"). Other servers send them in the stripped form or whole (MSC4311).
 */
export function strippedEvents(values: readonly unknown[]): JsonObject[] {
  const events: JsonObject[] = [];
  let length = 0;
  for (const value of values.slice(0, EVENTS_MAX)) {
    const event = asObject(value);
    const [type, stateKey, sender] = [asString(event?.type), asString(event?.state_key), asString(event?.sender)];
    const content = asObject(event?.content);
    if (type === undefined || stateKey === undefined || sender === undefined || content === undefined) continue;
    length += JSON.stringify(content).length;
    if (length > LENGTH_MAX) break;
    const ts = asInteger(event?.origin_server_ts);
    const age = type === 'm.room.create' && ts !== undefined ? { origin_server_ts: ts } : {};
    events.push({ ...age, type, state_key: stateKey, sender, content });
  }
  return events;
}
