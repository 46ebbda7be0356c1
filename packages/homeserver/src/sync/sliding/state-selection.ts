import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';

/** One `required_state`: pairs of an event type and a state key, each of which may be `*`. */
export type StatePairs = readonly (readonly [type: string, stateKey: string])[];

const ANY = '*';
const LAZY = '$LAZY';
const ME = '$ME';
const MEMBER = 'm.room.member';

type Keys = ReadonlySet<number> | 'all';

/** One `required_state` with numbers in place of texts. */
interface NumberedPairs {
  /** Whether `["*", "*"]` is included. Pairs with a type then restrict the keys of this type. */
  readonly everything: boolean;
  readonly types: ReadonlyMap<number, Keys>;
  /** The keys of pairs `["*", key]`. */
  readonly keysOfAnyType: ReadonlySet<number>;
}

/** The state of a room that a client wants: the union of several `required_state` (MSC4186). */
export interface StateSelection {
  /** Whether members are wanted only as far as the timeline needs them. */
  readonly lazyMembers: boolean;
  /** The wanted pairs of type and state key, if they can be listed; otherwise the whole state has to be read. */
  readonly places: readonly { readonly type: number; readonly stateKey: number }[] | undefined;
  includes(type: number, stateKey: number): boolean;
}

/** The selections of the rules of one request. */
export type StateSelections = ReadonlyMap<readonly StatePairs[], StateSelection>;

/** Returns the rules of one request in a form that is evaluated quickly. */
export function selectionsOf(
  lookups: Lookups,
  names: Names,
  user: { readonly num: number; readonly id: string },
  rules: Iterable<readonly StatePairs[]>,
): StateSelections {
  const all = [...new Set(rules)];
  const texts = [MEMBER, ...new Set(all.flat(3).filter((text) => text !== ANY))];
  const nums = lookups.all(names.numSource, texts);
  const byText = new Map(texts.map((text, i) => [text, nums[i]]));
  const lookUp = (text: string) => (text === ME ? user.num : byText.get(text));
  return new Map(all.map((parts) => [parts, selection(parts, lookUp, byText.get(MEMBER) ?? 0)]));
}

function selection(
  rules: readonly StatePairs[],
  lookUp: (text: string) => number | undefined,
  member: number,
): StateSelection {
  const parts = rules.map((pairs) => partOf(pairs, lookUp));
  const includes = (type: number, stateKey: number) => parts.some((part) => partIncludes(part, type, stateKey));
  const isLazy = rules.some((pairs) => pairs.some(([type, key]) => type === MEMBER && key === LAZY));
  // A client that gets all members does not load them lazily. No user has the number 0.
  const lazyMembers = isLazy && !includes(member, 0);
  return { lazyMembers, places: placesOf(parts), includes };
}

function partOf(pairs: StatePairs, lookUp: (text: string) => number | undefined): NumberedPairs {
  const types = new Map<number, Set<number> | 'all'>();
  const keysOfAnyType = new Set<number>();
  for (const [type, stateKey] of pairs) {
    const key = lookUp(stateKey);
    if (type === ANY) {
      if (stateKey !== ANY && key !== undefined) keysOfAnyType.add(key);
      continue;
    }
    const typeNum = lookUp(type);
    if (typeNum === undefined) continue;
    const keys = types.get(typeNum) ?? new Set<number>();
    types.set(typeNum, stateKey === ANY ? 'all' : keys);
    if (keys !== 'all' && key !== undefined) keys.add(key);
  }
  return { everything: pairs.some(([type, key]) => type === ANY && key === ANY), types, keysOfAnyType };
}

function partIncludes({ everything, types, keysOfAnyType }: NumberedPairs, type: number, stateKey: number): boolean {
  const keys = types.get(type);
  if (keys === 'all' || keys?.has(stateKey) === true) return true;
  return keysOfAnyType.has(stateKey) || (everything && keys === undefined);
}

function placesOf(parts: readonly NumberedPairs[]): StateSelection['places'] {
  const places: { type: number; stateKey: number }[] = [];
  for (const { everything, types, keysOfAnyType } of parts) {
    if (everything || keysOfAnyType.size > 0) return undefined;
    for (const [type, keys] of types) {
      if (keys === 'all') return undefined;
      for (const stateKey of keys) places.push({ type, stateKey });
    }
  }
  return places;
}

/** Returns whether a client wants all members of a room at once. */
export function wantsAllMembers(pairs: StatePairs): boolean {
  const ofMembers = pairs.filter(([type]) => type === MEMBER);
  if (ofMembers.some(([, stateKey]) => stateKey === ANY)) return true;
  // Pairs with the type of members restrict the pair for everything.
  return ofMembers.length === 0 && pairs.some(([type, stateKey]) => type === ANY && stateKey === ANY);
}

const keys = new WeakMap<readonly StatePairs[], string>();

/** Returns a text that is equal for equal rules. */
export function rulesKey(rules: readonly StatePairs[]): string {
  const known = keys.get(rules);
  if (known !== undefined) return known;
  const made = JSON.stringify(rules);
  keys.set(rules, made);
  return made;
}

/** Returns the rules of several room configurations without duplicates. */
export function uniteRules(rules: readonly StatePairs[]): readonly StatePairs[] {
  return [...new Map(rules.map((pairs) => [JSON.stringify(pairs), pairs])).values()];
}
