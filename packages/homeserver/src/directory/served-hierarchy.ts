import { notFound } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import { aclPermits } from '../rooms/receive/acl.ts';
import type { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import type { HeavyRequests } from '../rooms/serving/heavy-requests.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { strippedChild } from './hierarchy.ts';
import type { RoomSummaries, RoomSummary } from './room-summaries.ts';

interface ServedHierarchyParts {
  readonly heads: Heads;
  readonly servers: ServersInRooms;
  readonly summaries: RoomSummaries;
  readonly heavy: HeavyRequests;
}

/** The maximum number of children whose rooms are described. */
const CHILDREN_MAX = 200;

/** Describes spaces to other servers (server-server API, "Spaces"). */
export class ServedHierarchy {
  readonly #parts: ServedHierarchyParts;

  constructor(parts: ServedHierarchyParts) {
    this.#parts = parts;
  }

  /**
   * Returns a space and those of its children that users of a server could read or join.
   * @throws MatrixError M_NOT_FOUND, M_LIMIT_EXCEEDED
   */
  async of(server: string, roomId: string, suggestedOnly: boolean): Promise<JsonObject> {
    const { heads, summaries, heavy } = this.#parts;
    const head = await heads.find(roomId);
    const summary = head === undefined ? undefined : await summaries.one(head.num);
    if (head === undefined || summary === undefined || !(await this.#mayKnow(server, head, summary)))
      throw notFound('There is no such room');
    if (summary.roomType !== 'm.space') return { room: describe(summary, []), children: [], inaccessible_children: [] };
    return heavy.run(async () => {
      const all = await summaries.children(head.num);
      const children = all.filter(({ content }) => !suggestedOnly || content.suggested === true);
      return { room: describe(summary, children), ...(await this.#children(server, children.slice(0, CHILDREN_MAX))) };
    });
  }

  async #children(server: string, events: readonly StoredEvent[]): Promise<JsonObject> {
    const { heads, servers, summaries } = this.#parts;
    const nums = events.flatMap(({ stateKeyNum }) => stateKeyNum ?? []);
    await heads.ensure(nums);
    const found = await summaries.many(nums);
    const children: JsonObject[] = [];
    const inaccessible: string[] = [];
    for (const [num, summary] of found) {
      const head = await heads.byNum(num);
      // Other servers know more about rooms that this server is not in.
      if (head === undefined || !(await servers.isLocal(head))) continue;
      if (await this.#mayKnow(server, head, summary)) children.push({ ...summary.entry, ...summary.more });
      else inaccessible.push(summary.roomId);
    }
    return { children, inaccessible_children: inaccessible };
  }

  /** Returns whether a user of a server could read or join a room of this server. */
  async #mayKnow(
    server: string,
    head: Head,
    { joinRule, isWorldReadable, allowedRooms }: RoomSummary,
  ): Promise<boolean> {
    const { heads, servers } = this.#parts;
    if (!(await servers.isLocal(head)) || !(await aclPermits(head, server))) return false;
    if (isWorldReadable || ['public', 'knock', 'knock_restricted'].includes(joinRule)) return true;
    if ((await servers.of(head)).has(server)) return true;
    if (joinRule !== 'restricted') return false;
    for (const allowed of allowedRooms) {
      const other = await heads.find(allowed);
      if (other !== undefined && (await servers.isLocal(other)) && (await servers.of(other)).has(server)) return true;
    }
    return false;
  }
}

function describe(summary: RoomSummary, children: readonly StoredEvent[]): JsonObject {
  return { ...summary.entry, ...summary.more, children_state: children.map(strippedChild) };
}
