import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { type AuthEvent, toAuthEvent as pduAuthEvent } from '@hearth/protocol/events/event.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { lookup } from '../../storage/state/state-tree.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import { type Head, type HeadStores, loadState, type StateKeyPair, toAuthEvent } from '../head.ts';
import type { IncomingEvent } from './incoming.ts';
import { refusalByAuthEvents } from './outliers.ts';

/** Applies the authorisation rules to events of other servers. */
export class Rules {
  readonly #stores: HeadStores;

  constructor(stores: HeadStores) {
    this.#stores = stores;
  }

  /** Returns the reason why the rules reject an event by its auth events or by the state before it, or undefined. */
  refusal(
    head: Head,
    { pdu, eventId }: IncomingEvent,
    { auth, before }: { readonly auth: readonly StoredEvent[]; readonly before: BuiltState },
  ): Promise<string | undefined> {
    const forms = auth.map((event) => toAuthEvent(event));
    return this.refusalOf(head, pduAuthEvent(pdu, eventId, head.version), { auth: forms, before });
  }

  /** Returns the same as {@link refusal} for an event that is given in the form for authorisation. */
  async refusalOf(
    head: Head,
    form: AuthEvent,
    basis: { readonly auth: readonly AuthEvent[]; readonly before: BuiltState },
  ): Promise<string | undefined> {
    const { version } = head;
    if (form.type === 'm.room.create') return 'the room exists already';
    const before = await this.#lookupIn(head, basis.before, [['m.room.create', ''], ...authEventKeys(form, version)]);
    const create = before('m.room.create', '');
    const byAuth = refusalByAuthEvents(form, basis.auth, create, version);
    return byAuth ?? authorise(form, before, version);
  }

  /** Returns the reason why a state does not permit an event, or undefined. */
  async refusalIn(head: Head, form: AuthEvent, state: BuiltState): Promise<string | undefined> {
    const { version } = head;
    const keys: StateKeyPair[] = [['m.room.create', ''], ...authEventKeys(form, version)];
    return authorise(form, await this.#lookupIn(head, state, keys), version);
  }

  async #lookupIn(head: Head, state: BuiltState, keys: readonly StateKeyPair[]) {
    await loadState(this.#stores, [{ root: state.root, keys }]);
    const nums = await this.#stores.names.reserveAll(new Set(keys.flat()));
    const found = new Map<string, number>();
    for (const [type, key] of keys) {
      const num = lookup(state.root, nums.get(type) ?? 0, nums.get(key) ?? 0);
      if (typeof num === 'number') found.set(`${type}\0${key}`, num);
    }
    const events = await this.#stores.events.load(found.values());
    return (type: string, key: string) => {
      const event = events.get(found.get(`${type}\0${key}`) ?? -1);
      return event === undefined || event.room !== head.num ? undefined : toAuthEvent(event);
    };
  }
}
