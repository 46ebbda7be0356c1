import { expect, test } from 'vitest';
import { authEventKeys } from '../src/auth/auth-events.ts';
import type { AuthEvent } from '../src/events/event.ts';
import type { RoomVersion } from '../src/room-versions/rules.ts';
import { resolve } from '../src/state/resolve.ts';
import { missingEvents } from '../src/state/source.ts';
import { type StateMap, stateMapKey } from '../src/state/state-map.ts';
import { type FixtureEvent, fixtureEvent, readFixture, scenarios, versionsIn } from './support/fixtures.ts';

/**
 * A room as a graph of events, each after the events that it follows. The test resolves either the states after some
 * events (`heads`), or states that are listed by their events (`states`).
 */
interface Scenario {
  roomVersions: string[];
  base?: string;
  events: FixtureEvent[];
  heads?: string[];
  states?: string[][];
  resolved: string[];
}

const keyOf = (event: AuthEvent) => stateMapKey(event.type, event.stateKey ?? '');

function play(scenario: Scenario, version: RoomVersion) {
  const events = new Map<string, AuthEvent>();
  const after = new Map<string, StateMap>();
  const base = scenario.base === undefined ? [] : readFixture<FixtureEvent[]>(`state-resolution/${scenario.base}`);
  const source = (id: string) => events.get(id);
  for (const [index, fixture] of [...base, ...scenario.events].entries()) {
    const previous = fixture.prev ?? [[...events.keys()].at(-1) ?? ''].filter((id) => id !== '');
    const before = resolve(
      version,
      previous.map((id) => after.get(id) ?? new Map()),
      source,
    );
    const draft = fixtureEvent({ ...fixture, prev: previous }, version, index);
    const selected = authEventKeys(draft, version).map(([type, key]) => before.get(stateMapKey(type, key)));
    const authEvents = fixture.auth ?? selected.filter((id) => id !== undefined);
    const event = { ...draft, authEvents };
    events.set(event.eventId, event);
    after.set(event.eventId, event.stateKey === undefined ? before : new Map(before).set(keyOf(event), event.eventId));
  }
  const stateOf = (ids: string[]): StateMap =>
    new Map(
      ids
        .map((id) => events.get(id))
        .map((event) => (event === undefined ? ['?', '?'] : [keyOf(event), event.eventId])),
    );
  const states = scenario.states?.map(stateOf) ?? scenario.heads?.map((id) => after.get(id) ?? new Map()) ?? [];
  return { states, source, baseIds: new Set(base.map(({ id }) => id)), stateOf };
}

const cases = scenarios('state-resolution').flatMap((name) => {
  const scenario = readFixture<Scenario>(`state-resolution/${name}/scenario.json`);
  return versionsIn(scenario.roomVersions).map((version) => ({ title: `${name} (${version.id})`, scenario, version }));
});

test.each(cases)('$title', ({ scenario, version }) => {
  const { states, source, baseIds, stateOf } = play(scenario, version);
  expect(
    missingEvents(
      states.flatMap((state) => [...state.values()]),
      source,
    ),
  ).toEqual([]);
  const expected = stateOf(scenario.resolved);
  for (const order of [states, states.toReversed()]) {
    const resolved = resolve(version, order, source);
    const changed = [...resolved].filter(([key, id]) => expected.has(key) || !baseIds.has(id));
    expect(Object.fromEntries(changed)).toEqual(Object.fromEntries(expected));
  }
});
