import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Reader, RoomReaders } from '../rooms/access.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { History } from '../timeline/history.ts';
import { timelineToken } from '../timeline/position.ts';
import type { Shown } from '../timeline/render/event-renderer.ts';

/** The `event_context` of a search. */
export interface ContextRequest {
  readonly before_limit?: number | undefined;
  readonly after_limit?: number | undefined;
  readonly include_profile?: boolean | undefined;
}

/** The context of a result. */
export interface ResultContext {
  readonly before: readonly Shown[];
  readonly after: readonly Shown[];
  readonly start: string;
  readonly end: string;
  /** Names and pictures of the senders at that time, by user id. */
  readonly profiles?: JsonObject;
}

const LIMIT_DEFAULT = 5;
/** The maximum number of events on each side of a result. */
const LIMIT_MAX = 20;

/** Finds the events around the results of a search. */
export class ResultContexts {
  readonly #readers: RoomReaders;
  readonly #history: History;

  constructor(readers: RoomReaders, history: History) {
    this.#readers = readers;
    this.#history = history;
  }

  /** Returns the events around a result. */
  async around(reader: Reader, target: Shown, request: ContextRequest): Promise<ResultContext> {
    const { event } = target;
    const seq = event.seq ?? 0;
    const access = await this.#readers.access(event.roomId, reader.user);
    const side = async (dir: 'b' | 'f', limit = LIMIT_DEFAULT) => {
      const from = timelineToken(dir === 'b' ? seq - 1 : seq);
      if (limit === 0) return { shown: [], end: from };
      return this.#history.page(reader, access, { dir, from, limit: Math.min(limit, LIMIT_MAX) });
    };
    const before = await side('b', request.before_limit);
    const after = await side('f', request.after_limit);
    const events = [...before.shown, target, ...after.shown];
    return {
      before: before.shown,
      after: after.shown,
      start: before.end ?? timelineToken(0),
      end: after.end ?? timelineToken(events.at(-1)?.event.seq ?? seq),
      ...(request.include_profile === true ? { profiles: profilesOf(await this.#history.senders(events)) } : {}),
    };
  }
}

function profilesOf(members: readonly StoredEvent[]): JsonObject {
  return Object.fromEntries(
    members.map(({ stateKey = '', content }) => {
      const { displayname, avatar_url } = content;
      return [stateKey, { displayname: asString(displayname), avatar_url: asString(avatar_url) }];
    }),
  );
}
