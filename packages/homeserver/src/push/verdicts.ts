import { powerNeeded, powerOf } from '@hearth/protocol/auth/power.ts';
import { isObject } from '@hearth/protocol/json/value.ts';
import {
  type CompiledRuleset,
  compileRuleset,
  type PreparedEvent,
  prepareEvent,
} from '@hearth/protocol/push-rules/evaluate.ts';
import type { PushAction, Ruleset } from '@hearth/protocol/push-rules/rule.ts';
import { LruMap } from '../platform/lru.ts';
import { type Head, toAuthEvent } from '../rooms/head.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import type { PushRules } from './push-rules.ts';

/** What an event means to a user: nothing, a notification, or one that is highlighted. */
export type Verdict = 'silent' | 'notify' | 'highlight';

const COMPILED_MAX = 2_000;
const PREPARED_MAX = 2_000;

/** Tries users' push rules on events (client-server API, "Push Rules"). What can be shared between users is. */
export class Verdicts {
  readonly #pushRules: PushRules;
  readonly #compiled = new LruMap<number, { readonly ruleset: Ruleset; readonly evaluate: CompiledRuleset }>(
    COMPILED_MAX,
  );
  readonly #prepared = new LruMap<number, PreparedEvent>(PREPARED_MAX);

  constructor(pushRules: PushRules) {
    this.#pushRules = pushRules;
  }

  /** What events of one room mean to a user who did not send them, in the same order. */
  async of(user: number, userId: string, head: Head, events: readonly StoredEvent[]): Promise<Verdict[]> {
    const evaluate = this.#compile(user, await this.#pushRules.rulesetOf(user));
    await head.ensure([
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
      ['m.room.member', userId],
    ]);
    const levels = head.known('m.room.power_levels', '')?.content;
    const create = head.known('m.room.create', '');
    const displayName = head.known('m.room.member', userId)?.content.displayname;
    const context = {
      displayName: typeof displayName === 'string' ? displayName : undefined,
      memberCount: head.joined.size,
      notificationPower: (key: string) => powerNeeded(`notifications.${key}`, levels, head.version),
    };
    return events.map((event) => {
      const match = evaluate(this.#prepare(event), {
        ...context,
        get senderPower() {
          return create === undefined ? 0 : powerOf(event.sender, levels, toAuthEvent(create), head.version);
        },
      });
      return match === undefined ? 'silent' : verdictOf(match.actions);
    });
  }

  #compile(user: number, ruleset: Ruleset): CompiledRuleset {
    const known = this.#compiled.get(user);
    if (known?.ruleset === ruleset) return known.evaluate;
    const evaluate = compileRuleset(ruleset);
    this.#compiled.set(user, { ruleset, evaluate });
    return evaluate;
  }

  #prepare(event: StoredEvent): PreparedEvent {
    const known = this.#prepared.get(event.num);
    if (known !== undefined) return known;
    const { type, sender, roomId, content, stateKey, eventId } = event;
    const state = stateKey === undefined ? {} : { state_key: stateKey };
    const prepared = prepareEvent({ type, sender, room_id: roomId, event_id: eventId, content, ...state });
    this.#prepared.set(event.num, prepared);
    return prepared;
  }
}

function verdictOf(actions: readonly PushAction[]): Verdict {
  if (!actions.includes('notify')) return 'silent';
  const highlights = actions.some(
    (action) => isObject(action) && action.set_tweak === 'highlight' && action.value !== false,
  );
  return highlights ? 'highlight' : 'notify';
}
