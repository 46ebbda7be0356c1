import { expect, test } from 'vitest';
import { authorise } from '../src/auth/authorise.ts';
import type { AuthEvent } from '../src/events/event.ts';
import type { RoomVersion } from '../src/room-versions/rules.ts';
import { stateMapKey } from '../src/state/state-map.ts';
import { type FixtureEvent, fixtureEvent, readFixture, scenarios, versionsIn } from './support/fixtures.ts';

interface Scenario {
  roomVersions?: string[];
  state: FixtureEvent[];
  cases: {
    name: string;
    roomVersions?: string[];
    state?: FixtureEvent[];
    event: FixtureEvent;
    refusal: string | null;
  }[];
}

function stateOf(fixtures: FixtureEvent[], version: RoomVersion) {
  const state = new Map<string, AuthEvent>();
  for (const [index, fixture] of fixtures.entries()) {
    const event = fixtureEvent(fixture, version, index);
    state.set(stateMapKey(event.type, event.stateKey ?? ''), event);
  }
  return (type: string, stateKey: string) => state.get(stateMapKey(type, stateKey));
}

const cases = scenarios('auth').flatMap((name) => {
  const scenario = readFixture<Scenario>(`auth/${name}/cases.json`);
  return scenario.cases.flatMap((one) =>
    versionsIn(one.roomVersions ?? scenario.roomVersions).map((version) => ({
      title: `${name}: ${one.name} (${version.id})`,
      version,
      event: fixtureEvent(one.event, version, 99),
      state: stateOf([...scenario.state, ...(one.state ?? [])], version),
      refusal: one.refusal,
    })),
  );
});

test.each(cases)('$title', ({ event, state, version, refusal }) => {
  const reason = authorise(event, state, version);
  if (refusal === null) expect(reason).toBeUndefined();
  else expect(reason).toContain(refusal);
});
