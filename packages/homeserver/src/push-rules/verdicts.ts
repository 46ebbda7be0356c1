import type { UserId } from '@hearth/protocol/identifiers/user-id.ts';
import { isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { defaultRuleset } from '@hearth/protocol/push-rules/defaults.ts';
import {
  type CompiledRuleset,
  compileRuleset,
  PreparedEvent,
  type PushContext,
  type PushMatch,
  usesThreadSubscriptions,
} from '@hearth/protocol/push-rules/evaluate.ts';
import { type PushAction, RULE_KINDS, type Ruleset } from '@hearth/protocol/push-rules/rule.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import { NOT_LOADED } from '../platform/lookups/source.ts';
import type { Head } from '../rooms/head.ts';
import { knownPowers, type Powers, powersIn } from '../rooms/powers.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { PushRules } from './push-rules.ts';
import type { ThreadFollowing } from './thread-following.ts';

/** The result of a user's rules for an event: no notification, a notification, or a highlighted notification. */
export type Verdict = 'silent' | 'notify' | 'highlight';

/** The actions of a rule for an event; empty for nothing. */
export type Actions = readonly PushAction[];

/** A ruleset in compiled form. */
interface Compiled {
  readonly ruleset: Ruleset;
  readonly evaluate: CompiledRuleset;
  /** Whether its rules depend on the threads that the user follows. */
  readonly needsThreads: boolean;
}

/** An event in the form that rules are evaluated on. */
interface Prepared {
  readonly event: PreparedEvent;
  /** The length of its content in characters. */
  readonly length: number;
}

/** The user and room for which events are evaluated. */
interface Judge {
  readonly user: number;
  readonly userId: string;
  readonly head: Head;
}

const NOTHING: Actions = [];
const NOWHERE: ReadonlyMap<number, boolean> = new Map();
const COMPILED_MAX = 2_000;
const SHARED_MAX = 20_000;
/**
 * A user id that represents every user. It is in no room, because it has no server, and in no text, because its name is
 * not a character.
 */
const NOBODY = '@\uffff:' as UserId;
const PREPARED_MAX = 2_000;

/**
 * Evaluates users' push rules on events (client-server API, "Push Rules"). Verdicts that are the same for all users are
 * shared.
 */
export class Verdicts {
  readonly #pushRules: PushRules;
  readonly #following: ThreadFollowing;
  readonly #compiled = new LruMap<number, Compiled>(COMPILED_MAX, { bytesMax: cacheBytes(32), bytesOf: compiledBytes });
  readonly #shared = new LruMap<number, Verdict>(SHARED_MAX);
  readonly #nobody = compiledOf(defaultRuleset(NOBODY, { legacyMentions: true }));
  readonly #prepared = new LruMap<number, Prepared>(PREPARED_MAX, {
    bytesMax: cacheBytes(32),
    // The factor is for contents of many small objects.
    bytesOf: ({ length }) => 1_000 + 30 * length,
  });

  constructor(pushRules: PushRules, following: ThreadFollowing) {
    this.#pushRules = pushRules;
    this.#following = following;
  }

  /** Returns the verdicts on events of one room for a user who did not send them, in the same order. */
  async of(user: number, userId: string, head: Head, events: readonly StoredEvent[]): Promise<Verdict[]> {
    if (events.length === 0) return [];
    if (await this.#pushRules.isUnchanged(user)) {
      const shared = await this.#sharedVerdicts(user, userId, head, events);
      if (shared !== undefined) return shared;
    }
    return this.#evaluate({ user, userId, head }, events, this.#compile(user, await this.#pushRules.rulesetOf(user)));
  }

  /** Returns the verdict on an event for a user who did not send it, if it is cached. */
  known(user: number, userId: string, head: Head, event: StoredEvent): Verdict | undefined {
    if (this.#pushRules.unchangedSource.peek(user) !== true || head.peek('m.room.member', userId) === NOT_LOADED)
      return undefined;
    const powers = knownPowers(head);
    return powers === undefined || concerns(event, user, { userId, names: namesOf(userId, head) })
      ? undefined
      : this.#toEverybody(event, head, powers);
  }

  /** Returns the actions of the user's rules for events of one room, in the same order; empty for silent events. */
  async actionsOf(user: number, userId: string, head: Head, events: readonly StoredEvent[]): Promise<Actions[]> {
    const compiled = this.#compile(user, await this.#pushRules.rulesetOf(user));
    const matches = await this.#match({ user, userId, head }, events, compiled);
    return matches.map((match) => (match?.actions.includes('notify') === true ? match.actions : NOTHING));
  }

  /** Returns the verdicts for a user who has never changed a rule; `undefined` when an event mentions this user. */
  async #sharedVerdicts(
    user: number,
    userId: string,
    head: Head,
    events: readonly StoredEvent[],
  ): Promise<Verdict[] | undefined> {
    await head.ensure([['m.room.member', userId]]);
    const names = namesOf(userId, head);
    for (const event of events) if (concerns(event, user, { userId, names })) return undefined;
    const powers = await powersIn(head);
    return events.map((event) => this.#toEverybody(event, head, powers));
  }

  /** Returns the verdict on an event for all users whom it does not mention; evaluated once. */
  #toEverybody(event: StoredEvent, head: Head, powers: Powers): Verdict {
    const known = this.#shared.get(event.num);
    if (known !== undefined) return known;
    const match = this.#nobody.evaluate(prepare(event), new Context(event, { head, powers }));
    const verdict = match === undefined ? 'silent' : verdictOf(match.actions);
    this.#shared.set(event.num, verdict);
    return verdict;
  }

  async #evaluate(judge: Judge, events: readonly StoredEvent[], compiled: Compiled): Promise<Verdict[]> {
    const matches = await this.#match(judge, events, compiled);
    return matches.map((match) => (match === undefined ? 'silent' : verdictOf(match.actions)));
  }

  async #match(
    { user, userId, head }: Judge,
    events: readonly StoredEvent[],
    { evaluate, needsThreads }: Compiled,
  ): Promise<(PushMatch | undefined)[]> {
    const powers = await powersIn(head);
    const displayName = (await head.state('m.room.member', userId))?.content.displayname;
    const following = needsThreads ? await this.#following.of({ user, room: head.num }, events) : NOWHERE;
    return events.map((event) =>
      evaluate(
        this.#prepare(event),
        new Context(event, { head, powers, displayName, isThreadFollowed: following.get(event.num) }),
      ),
    );
  }

  #compile(user: number, ruleset: Ruleset): Compiled {
    const known = this.#compiled.get(user);
    if (known?.ruleset === ruleset) return known;
    const compiled = compiledOf(ruleset);
    this.#compiled.set(user, compiled);
    return compiled;
  }

  #prepare(event: StoredEvent): PreparedEvent {
    const known = this.#prepared.get(event.num);
    if (known !== undefined) return known.event;
    const prepared = prepare(event);
    this.#prepared.set(event.num, { event: prepared, length: event.contentText.length });
    return prepared;
  }
}

function prepare({ type, sender, roomId, content, stateKey, eventId }: StoredEvent): PreparedEvent {
  const state = stateKey === undefined ? {} : { state_key: stateKey };
  return new PreparedEvent({ type, sender, room_id: roomId, event_id: eventId, content, ...state });
}

/** The facts that rules use besides the event. */
class Context implements PushContext {
  readonly displayName: string | undefined;
  readonly memberCount: number;
  readonly isThreadFollowed: boolean | undefined;
  readonly #sender: string;
  readonly #powers: Powers;

  constructor(
    { sender }: StoredEvent,
    about: {
      readonly head: Head;
      readonly powers: Powers;
      readonly displayName?: JsonValue | undefined;
      readonly isThreadFollowed?: boolean | undefined;
    },
  ) {
    const { head, powers, displayName, isThreadFollowed } = about;
    this.displayName = typeof displayName === 'string' ? displayName : undefined;
    this.memberCount = head.joined.size;
    this.isThreadFollowed = isThreadFollowed;
    this.#sender = sender;
    this.#powers = powers;
  }

  get senderPower(): number {
    return this.#powers.of(this.#sender);
  }

  notificationPower(key: string): number {
    return this.#powers.to(`notifications.${key}`);
  }
}

function compiledBytes({ ruleset }: Compiled): number {
  return 1_000 + 500 * RULE_KINDS.reduce((sum, kind) => sum + ruleset[kind].length, 0);
}

function compiledOf(ruleset: Ruleset): Compiled {
  return { ruleset, evaluate: compileRuleset(ruleset), needsThreads: usesThreadSubscriptions(ruleset) };
}

/** The names by which events refer to a user. */
interface Named {
  readonly userId: string;
  /** Names by which clients without mentions refer to a user, in lower case. */
  readonly names: readonly string[];
}

function namesOf(userId: string, head: Head): string[] {
  const displayName = head.known('m.room.member', userId)?.content.displayname;
  const names = [userId.slice(1, userId.indexOf(':')), typeof displayName === 'string' ? displayName : ''];
  return names.filter((name) => name !== '').map((name) => name.toLowerCase());
}

/**
 * Returns whether the default rules may treat an event differently for this user than for others: it is about the user,
 * mentions the user, or comes from a client without mentions and may contain the user's name.
 */
function concerns({ stateKeyNum, content }: StoredEvent, user: number, { userId, names }: Named): boolean {
  if (stateKeyNum === user) return true;
  const { 'm.mentions': mentions, body } = content;
  if (mentions !== undefined) {
    return isObject(mentions) && Array.isArray(mentions.user_ids) && mentions.user_ids.includes(userId);
  }
  if (typeof body !== 'string') return false;
  const text = body.toLowerCase();
  return names.some((name) => text.includes(name));
}

/** Returns the verdict that corresponds to actions. */
export function verdictOf(actions: Actions): Verdict {
  if (!actions.includes('notify')) return 'silent';
  const highlights = actions.some(
    (action) => isObject(action) && action.set_tweak === 'highlight' && action.value !== false,
  );
  return highlights ? 'highlight' : 'notify';
}
