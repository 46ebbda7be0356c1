import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { roomAccess } from '../rooms/access.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ContextDeps } from '../timeline/context.ts';
import type { Reader, Shown } from '../timeline/hydrate.ts';
import { sendersOf } from '../timeline/lazy-members.ts';
import { messagesPage } from '../timeline/messages.ts';
import { timelineToken } from '../timeline/position.ts';

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

/** Returns the events around a result. */
export async function contextOf(
  deps: ContextDeps,
  reader: Reader,
  target: Shown,
  request: ContextRequest,
): Promise<ResultContext> {
  const { event } = target;
  const seq = event.seq ?? 0;
  const access = await roomAccess(deps, event.roomId, reader.user);
  const side = async (dir: 'b' | 'f', limit = LIMIT_DEFAULT) => {
    const from = timelineToken(dir === 'b' ? seq - 1 : seq);
    if (limit === 0) return { shown: [], end: from };
    return messagesPage(deps, reader, access, { dir, from, limit: Math.min(limit, LIMIT_MAX) });
  };
  const before = await side('b', request.before_limit);
  const after = await side('f', request.after_limit);
  const events = [...before.shown, target, ...after.shown].map((shown) => shown.event);
  return {
    before: before.shown,
    after: after.shown,
    start: before.end ?? timelineToken(0),
    end: after.end ?? timelineToken(events.at(-1)?.seq ?? seq),
    ...(request.include_profile === true ? { profiles: profilesOf(await sendersOf(deps, events)) } : {}),
  };
}

function profilesOf(members: readonly StoredEvent[]): JsonObject {
  return Object.fromEntries(
    members.map(({ stateKey = '', content }) => {
      const { displayname, avatar_url } = content;
      return [stateKey, { displayname: asString(displayname), avatar_url: asString(avatar_url) }];
    }),
  );
}
