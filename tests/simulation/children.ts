import { asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { ClientEvent } from '../support/user.ts';
import { Difference, expectSame } from './difference.ts';
import type { SimServer } from './sim-server.ts';
import type { RoomTruth, TrueEvent } from './truth.ts';

/** The events of a room that relate to other events, as one user sees them. */
export class Children {
  readonly #userId: string;
  readonly #byParent: ReadonlyMap<string, readonly TrueEvent[]>;
  readonly #room: RoomTruth;

  constructor(room: RoomTruth, userId: string) {
    this.#userId = userId;
    this.#room = room;
    const children = room.visible(userId).filter((event) => !event.isRedacted && relationOf(event) !== undefined);
    this.#byParent = Map.groupBy(children, (event) => relationOf(event)?.parent ?? '');
  }

  /** Returns the events that relate to an event, in stream order. */
  of(parent: string): readonly TrueEvent[] {
    return this.#byParent.get(parent) ?? [];
  }

  /** Returns the thread roots with a reply, including those of ignored users. */
  roots(): TrueEvent[] {
    return this.#room.readable(this.#userId).filter(({ id }) => this.#kind(id, 'm.thread').length > 0);
  }

  /** Returns the expected `m.relations` of an event, with ids in place of events. */
  bundle(parent: TrueEvent): JsonObject {
    const replies = this.#kind(parent.id, 'm.thread');
    const latest = replies.at(-1)?.id;
    const references = this.#kind(parent.id, 'm.reference').map(({ id }) => id);
    const edit = this.#edit(parent);
    const participated = [parent, ...replies].some(({ sender }) => sender === this.#userId);
    return {
      ...(edit === undefined ? {} : { edit }),
      ...(references.length === 0 ? {} : { references }),
      ...(latest === undefined ? {} : { latest, count: replies.length, participated }),
    };
  }

  #kind(parent: string, relType: string): TrueEvent[] {
    return this.of(parent).filter((event) => relationOf(event)?.relType === relType);
  }

  #edit(parent: TrueEvent): string | undefined {
    if (parent.isRedacted || parent.stateKey !== undefined) return undefined;
    const edits = this.#kind(parent.id, 'm.replace').filter(
      ({ sender, type, content }) =>
        sender === parent.sender && type === parent.type && content['m.new_content'] !== undefined,
    );
    return edits.sort((a, b) => a.ts - b.ts || (a.id < b.id ? -1 : 1)).at(-1)?.id;
  }
}

function relationOf({ content }: TrueEvent): { readonly relType: string; readonly parent: string } | undefined {
  const relates = content['m.relates_to'];
  const [relType, parent] = isObject(relates) ? [asString(relates.rel_type), asString(relates.event_id)] : [];
  return relType === undefined || parent === undefined ? undefined : { relType, parent };
}

/** @throws Difference unless an event is shown with the children that the user may see, and no others */
export function checkBundle(what: string, children: Children, event: TrueEvent, { unsigned }: ClientEvent): void {
  const shown = (unsigned?.['m.relations'] ?? {}) as {
    'm.replace'?: ClientEvent;
    'm.reference'?: { chunk: { event_id: string }[] };
    'm.thread'?: { latest_event: ClientEvent; count: number; current_user_participated: boolean };
  };
  const { 'm.replace': edit, 'm.reference': references, 'm.thread': thread } = shown;
  const seen: JsonObject = {
    ...(edit === undefined ? {} : { edit: edit.event_id }),
    ...(references === undefined ? {} : { references: references.chunk.map(({ event_id }) => event_id) }),
    ...(thread === undefined
      ? {}
      : {
          latest: thread.latest_event.event_id,
          count: thread.count,
          participated: thread.current_user_participated,
        }),
  };
  const [is, truth] = [JSON.stringify(seen), JSON.stringify(children.bundle(event))];
  if (is !== truth) throw new Difference(`${what}: ${event.id} has the aggregation ${is}, not ${truth}`);
}

/** Checks `/relations` and `/threads` of a room for one of its users. */
export async function checkRelations(server: SimServer, caller: Caller, room: RoomTruth): Promise<void> {
  const children = new Children(room, caller.userId);
  const path = `/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}`;
  const what = `${caller.userId} in ${room.roomId}`;
  const roots = await pages(server, caller, `${path}/threads`, 2);
  const trueRoots = children.roots().map(({ id }) => id);
  expectSame(`${what}: /threads`, roots.map(({ event_id }) => event_id).sort(), trueRoots.sort());
  for (const { event_id: id, sender, content } of roots) {
    const event = room.byId.get(id);
    if (event !== undefined && room.ignores(caller.userId, event) && content.body !== undefined)
      throw new Difference(`${what}: the root ${id} by ${sender}, whom they ignore, is not redacted`);
  }
  for (const parent of room
    .visible(caller.userId)
    .filter(({ type }) => type === 'm.room.message')
    .slice(-3)) {
    const found = await pages(server, caller, `${path}/relations/${encodeURIComponent(parent.id)}`, 3);
    expectSame(
      `${what}: /relations of ${parent.id}`,
      found.map(({ event_id }) => event_id).reverse(),
      children.of(parent.id).map(({ id }) => id),
    );
  }
}

async function pages(server: SimServer, caller: Caller, path: string, limit: number): Promise<ClientEvent[]> {
  const all: ClientEvent[] = [];
  let from: string | undefined;
  do {
    const { status, json } = await server.call(caller, 'GET', path, { query: { limit, from } });
    if (status !== 200) throw new Difference(`${caller.userId}: ${path} answers ${JSON.stringify(json)}`);
    const page = json as unknown as { chunk: ClientEvent[]; next_batch?: string };
    all.push(...page.chunk);
    from = page.next_batch;
  } while (from !== undefined);
  return all;
}
