import { concat, type Text } from '../../platform/long-text.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { StateEntry } from '../../storage/state/state-node.ts';
import type { Head } from '../head.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { HeavyRequests } from './heavy-requests.ts';
import type { PduTexts } from './pdu-texts.ts';
import type { ReceivedMembers, SentMember } from './received-members.ts';
import { type StateSources, stateBefore } from './served-state.ts';

interface JoinParts {
  readonly received: ReceivedMembers;
  readonly sources: StateSources;
  readonly names: Names;
  readonly memberships: MembershipStore;
  readonly servers: ServersInRooms;
  readonly texts: PduTexts;
  readonly heavy: HeavyRequests;
}

/** The number of members after whom clients name a room (client-server API, "m.heroes"). */
const HEROES = 5;

/** Lets servers join rooms (server-server API, "Joining Rooms"). */
export class ServedJoins {
  readonly #parts: JoinParts;

  constructor(parts: JoinParts) {
    this.#parts = parts;
  }

  /**
   * Accepts a join. Returns the state before it and the auth chains, as JSON text.
   * @param omitMembers leaves out member events that the other server does not need at once (MSC3706)
   * @throws MatrixError
   */
  async join(sent: SentMember, omitMembers: boolean): Promise<Text> {
    const { received, servers, texts, heavy, sources } = this.#parts;
    const head = await received.headOf(sent);
    const serversBefore = [...(await servers.of(head))];
    // The join may need events of the other server, whose answers must not hold up others.
    const { event, pdu } = await received.accept(head, 'join', sent);
    return heavy.run(async () => {
      const all = await stateBefore(sources, event);
      const entries = omitMembers ? await this.#withoutMembers(head, event, all) : all;
      const state = entries.map((entry) => entry.event);
      const returned = new Set(omitMembers ? state : []);
      const chain = [...(await sources.authChains.chain([...state, event.num]))];
      const needed = chain.filter((num) => !returned.has(num));
      const later = (nums: readonly number[]) => texts.later(head.version, nums);
      const origin = `"origin":${JSON.stringify(servers.serverName)},"members_omitted":${omitMembers}`;
      const inRoom = omitMembers ? `,"servers_in_room":${JSON.stringify(serversBefore)}` : '';
      const start = `{${origin}${inRoom},"event":${JSON.stringify(pdu)},"state":[`;
      return concat(start, later(state), '],"auth_chain":[', later(needed), ']}');
    });
  }

  /** Returns the state without member events, except those of the users after whom a room without a name is named. */
  async #withoutMembers(head: Head, join: StoredEvent, state: readonly StateEntry[]): Promise<StateEntry[]> {
    const { names, memberships } = this.#parts;
    const named = await head.states([
      ['m.room.name', ''],
      ['m.room.canonical_alias', ''],
    ]);
    const first = named.length > 0 ? [] : ((await memberships.present([head.num], HEROES + 1)).get(head.num) ?? []);
    const heroes = new Set(first.filter((user) => user !== join.stateKeyNum).slice(0, HEROES));
    const type = await names.num('m.room.member');
    return state.filter((entry) => entry.type !== type || heroes.has(entry.stateKey));
  }
}
