import type { JsonObject } from '@hearth/protocol/json/value.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import type { Bundle } from '../../src/timeline/render/bundles.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, reopenWorld, type World } from '../support/world.ts';

const RUNS = 30;

/** A step of the test: a person relates an event to one of two parents, redacts an earlier relation, or reads. */
type Step =
  | {
      readonly kind: 'relate';
      readonly who: number;
      readonly to: number;
      readonly type: string;
      readonly text: boolean;
    }
  | { readonly kind: 'redact'; readonly which: number }
  | { readonly kind: 'look' };

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: relating() },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('redact' as const), which: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  ),
  // The list is so long that the same person relates to the same event again.
  { minLength: 20, maxLength: 50, size: 'max' },
);

function relating() {
  return fc.record({
    kind: fc.constant('relate' as const),
    who: fc.nat(2),
    to: fc.nat(1),
    type: fc.constantFrom('m.thread', 'm.thread', 'm.reference', 'm.replace', 'm.annotation'),
    text: fc.boolean(),
  });
}

interface Made {
  readonly event: StoredEvent;
  readonly step: Extract<Step, { kind: 'relate' }>;
  isRedacted: boolean;
}

/** Returns the aggregations that the specification requires, computed from all events. */
function expected(made: readonly Made[], parent: number, reader: number, ignored: number) {
  const shown = made.filter(({ step, isRedacted }) => step.to === parent && !isRedacted && step.who !== ignored);
  const of = (type: string) => shown.filter(({ step }) => step.type === type);
  // The first person sends the parents.
  const edits = of('m.replace').filter(({ step }) => step.who === 0 && step.text);
  const edit = edits.toSorted((a, b) => a.event.ts - b.event.ts || (a.event.eventId < b.event.eventId ? -1 : 1)).at(-1);
  const replies = of('m.thread');
  const participated = reader === 0 || replies.some(({ step }) => step.who === reader);
  return {
    edit: edit?.event.eventId,
    references: of('m.reference').map(({ event }) => event.eventId),
    thread:
      replies.length === 0 ? undefined : { count: replies.length, latest: replies.at(-1)?.event.eventId, participated },
  };
}

function plain(bundle: Bundle | undefined) {
  const { edit, references = [], thread } = bundle ?? {};
  return {
    edit: edit?.eventId,
    references,
    thread: thread && { ...thread, latest: thread.latest.eventId },
  };
}

async function relate(world: World, head: Head, person: Person, parent: StoredEvent, { type, text }: Made['step']) {
  const content: JsonObject = {
    msgtype: 'm.text',
    body: 'x',
    'm.relates_to': { rel_type: type, event_id: parent.eventId },
  };
  const full = text ? { ...content, 'm.new_content': { msgtype: 'm.text', body: 'y' } } : content;
  return world.say(person, head, full, type === 'm.annotation' ? 'm.reaction' : 'm.room.message');
}

/** Reads the aggregations as each person, with each choice of ignored users. */
async function check(from: World, people: readonly Person[], parents: readonly StoredEvent[], made: readonly Made[]) {
  for (const [reader, ignored] of [
    [0, undefined],
    [1, 2],
    [2, 0],
  ] as const) {
    const ignoring = new Set(ignored === undefined ? [] : [people[ignored]?.user ?? 0]);
    const events = await from.events.list(parents.map(({ num }) => num));
    const bundles = await from.bundles.bundlesFor(events, { user: people[reader]?.user ?? 0, ignored: ignoring });
    for (const [i, { num }] of parents.entries())
      expect(plain(bundles.get(num))).toEqual(expected(made, i, reader, ignored ?? -1));
  }
}

/**
 * Performs the steps in a separate world, because a reopened database numbers names that the old process does not know.
 */
async function live(list: readonly Step[]): Promise<void> {
  const world = await openWorld(sqlite);
  const people = [await world.person(), await world.person(), await world.person()];
  const [alice] = people as [Person, Person, Person];
  const head = await world.room(alice);
  for (const person of people.slice(1)) await world.joining.join(head, person);
  const parents = [await world.say(alice, head, 'one'), await world.say(alice, head, 'two')];
  const made: Made[] = [];
  for (const step of list) {
    if (step.kind === 'look') await check(world, people, parents, made);
    else if (step.kind === 'redact') {
      const target = made[step.which % Math.max(made.length, 1)];
      if (target === undefined) continue;
      await world.redact(alice, head, target.event.eventId);
      target.isRedacted = true;
    } else {
      const [person, parent] = [people[step.who] ?? alice, parents[step.to] ?? parents[0]];
      if (parent === undefined) continue;
      // A second reaction of the same kind is refused.
      const event = await relate(world, head, person, parent, step).catch(() => undefined);
      if (event !== undefined) made.push({ event, step, isRedacted: false });
    }
  }
  await check(world, people, parents, made);
  await check(await reopenWorld(world), people, parents, made);
  await world.end();
}

test('aggregations that are updated with each event equal those computed from all events', async () => {
  await fc.assert(fc.asyncProperty(steps, live), { numRuns: RUNS });
}, 120_000);
