import { invalidParam, notFound } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { actionsOf, checkActions, checkRule } from '@hearth/protocol/push-rules/check.ts';
import {
  isRuleKind,
  type PushAction,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
  type Ruleset,
} from '@hearth/protocol/push-rules/rule.ts';
import type { AccountData, CompletePushRules } from '../account-data/account-data.ts';
import { GLOBAL, type UserData } from '../account-data/user-data.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { Names } from '../storage/engine/names.ts';
import {
  completeRuleset,
  copyRules,
  findRule,
  parseStored,
  putRule,
  type RulePlace,
  removeRule,
  replaceRule,
} from './ruleset.ts';

const TYPE = 'm.push_rules';
const CACHED_MAX = 20_000;
/** The maximum number of a user's own rules. Most of them are about one room each. */
const OWN_RULES_MAX = 10_000;
/** The maximum number of rules of a kind that are evaluated for every event of the user's rooms. */
const CONDITIONAL_RULES_MAX = 1_000;
const CONDITIONAL_KINDS: readonly RuleKind[] = ['override', 'content', 'underride'];

/**
 * Returns a function for {@link AccountData} that combines the current default rules with the changes and rules of a
 * user.
 */
export function completePushRules(names: Names): CompletePushRules {
  return async (user, stored) => {
    const userId = parseUserId(await names.text(user));
    if (userId === undefined) throw new Error(`user ${user} has no valid id`);
    return textOf(completeRuleset(userId, stored === undefined ? undefined : parseStored(stored)));
  };
}

function isUnchanged(data: UserData): boolean {
  return (data.get(GLOBAL, TYPE)?.position ?? 0) === 0;
}

/** Users' push rules (client-server API, "Push Rules"), stored as the account data `m.push_rules`. */
export class PushRules {
  readonly #accountData: AccountData;
  readonly #serial = new Serial<number>();
  readonly #parsed = new LruMap<number, { readonly content: string; readonly ruleset: Ruleset }>(CACHED_MAX, {
    bytesMax: cacheBytes(32),
    // Parsed rules take several times the memory of their text.
    bytesOf: ({ content }) => 4 * textBytes(content),
  });

  constructor(accountData: AccountData) {
    this.#accountData = accountData;
  }

  /** Returns the rules of a user. The object stays the same until the rules change. */
  async rulesetOf(user: number): Promise<Ruleset> {
    return this.#read(user, await this.#accountData.of(user));
  }

  /** Whether users have never changed a rule. */
  readonly unchangedSource: Source<number, boolean> = loadedSingly(
    (user) => {
      const data = this.#accountData.source.peek(user);
      return data === NOT_LOADED ? NOT_LOADED : isUnchanged(data);
    },
    (user) => this.isUnchanged(user),
  );

  /** Returns whether a user has never changed a rule. */
  async isUnchanged(user: number): Promise<boolean> {
    return isUnchanged(await this.#accountData.of(user));
  }

  /** Returns one rule. @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM */
  async rule(user: number, kind: string, ruleId: string): Promise<PushRule> {
    return existing(await this.rulesetOf(user), kindOf(kind), ruleId);
  }

  /** Creates or updates a rule of the user. @throws MatrixError */
  async put(user: number, kind: string, ruleId: string, body: JsonObject, place: RulePlace): Promise<void> {
    const ruleKind = kindOf(kind);
    const { rule, refusal } = checkRule(ruleKind, ruleId, body);
    if (rule === undefined) throw invalidParam(refusal);
    await this.#change(user, (ruleset) => {
      const changed = putRule(ruleset, ruleKind, rule, place);
      if (changed === undefined) throw notFound("The push rule in 'before' or 'after' does not exist");
      if (hasTooMany(changed)) throw invalidParam('You have too many push rules');
      return changed;
    });
  }

  /** Deletes a rule of the user. @throws MatrixError */
  async remove(user: number, kind: string, ruleId: string): Promise<void> {
    const ruleKind = kindOf(kind);
    await this.#change(user, (ruleset) => {
      if (existing(ruleset, ruleKind, ruleId).default) throw invalidParam('Default push rules cannot be deleted');
      return removeRule(ruleset, ruleKind, ruleId);
    });
  }

  /** @throws MatrixError */
  async setEnabled(user: number, kind: string, ruleId: string, enabled: boolean): Promise<void> {
    await this.#replace(user, kind, ruleId, (rule) => ({ ...rule, enabled }));
  }

  /** @throws MatrixError */
  async setActions(user: number, kind: string, ruleId: string, actions: PushAction[]): Promise<void> {
    const refusal = checkActions(actions);
    if (refusal !== undefined) throw invalidParam(refusal);
    await this.#replace(user, kind, ruleId, (rule) => ({ ...rule, actions: actionsOf(actions) }));
  }

  /** Copies a user's rules for a room to the room that replaces it. */
  async copyRoomRules(user: number, from: string, to: string): Promise<void> {
    await this.#change(user, (ruleset) => {
      const carried = copyRules(ruleset, from, to);
      return carried !== undefined && hasTooMany(carried) ? undefined : carried;
    });
  }

  async #replace(user: number, kind: string, ruleId: string, change: (rule: PushRule) => PushRule): Promise<void> {
    const ruleKind = kindOf(kind);
    await this.#change(user, (ruleset) => replaceRule(ruleset, ruleKind, change(existing(ruleset, ruleKind, ruleId))));
  }

  async #change(user: number, change: (ruleset: Ruleset) => Ruleset | undefined): Promise<void> {
    await this.#serial.run(user, async () => {
      const changed = change(await this.rulesetOf(user));
      if (changed !== undefined) await this.#accountData.set(user, GLOBAL, TYPE, textOf(changed));
    });
  }

  #read(user: number, data: UserData): Ruleset {
    const content = data.get(GLOBAL, TYPE)?.content ?? '{}';
    const known = this.#parsed.get(user);
    if (known?.content === content) return known.ruleset;
    const ruleset = parseStored(content);
    this.#parsed.set(user, { content, ruleset });
    return ruleset;
  }
}

function kindOf(kind: string): RuleKind {
  if (!isRuleKind(kind)) throw invalidParam('The kind of the push rule is not known');
  return kind;
}

function hasTooMany(ruleset: Ruleset): boolean {
  const counts = RULE_KINDS.map((kind) => ruleset[kind].filter((rule) => !rule.default).length);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return all > OWN_RULES_MAX || CONDITIONAL_KINDS.some((kind) => ruleset[kind].length > CONDITIONAL_RULES_MAX);
}

function existing(ruleset: Ruleset, kind: RuleKind, ruleId: string): PushRule {
  const rule = findRule(ruleset, kind, ruleId);
  if (rule === undefined) throw notFound('The push rule does not exist');
  return rule;
}

function textOf(ruleset: Ruleset): string {
  return JSON.stringify({ global: ruleset });
}
