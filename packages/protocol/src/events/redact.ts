import { isObject, type JsonObject } from '../json/value.ts';
import type { RedactionRules } from '../room-versions/redaction-rules.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import type { Pdu } from './event.ts';

/** The members that every redaction keeps, in the order of the canonical form, so that there is less to sort. */
const KEPT = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
];
const HISTORICAL = ['prev_state', 'origin', 'membership'];
const POWER_LEVELS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
] as const;

/**
 * Returns the redacted form of an event in this room version (client-server API, "Redactions"; rooms/v1 to v11). The
 * argument is not changed. `unsigned` is removed.
 */
export function redactPdu(pdu: Pdu, version: RoomVersion): Pdu {
  // The kept members include all required members, so the result is an event.
  return redactFields(pdu, version) as Pdu;
}

/** Returns the redacted form of any object with the members of an event, signed or not. */
export function redactFields(event: JsonObject, version: RoomVersion): JsonObject {
  const redacted = pick(event, KEPT);
  if (version.redaction.historicalFields) Object.assign(redacted, pick(event, HISTORICAL));
  if (isObject(event.content)) {
    redacted.content = redactContent(typeof event.type === 'string' ? event.type : '', event.content, version);
  }
  return redacted;
}

/** Returns the part of an event's content that a redaction keeps. It is empty for most types. */
export function redactContent(type: string, content: JsonObject, version: RoomVersion): JsonObject {
  const rules = version.redaction;
  if (type === 'm.room.create' && rules.createWhole) return content;
  if (type === 'm.room.member') return redactMember(content, rules);
  return pick(content, keptContent(type, rules));
}

function keptContent(type: string, rules: RedactionRules): readonly string[] {
  switch (type) {
    case 'm.room.create':
      return ['creator'];
    case 'm.room.join_rules':
      return rules.joinRulesAllow ? ['join_rule', 'allow'] : ['join_rule'];
    case 'm.room.power_levels':
      return rules.powerLevelsInvite ? [...POWER_LEVELS, 'invite'] : POWER_LEVELS;
    case 'm.room.history_visibility':
      return ['history_visibility'];
    case 'm.room.aliases':
      return rules.aliases ? ['aliases'] : [];
    case 'm.room.redaction':
      return rules.redactionRedacts ? ['redacts'] : [];
    default:
      return [];
  }
}

function redactMember(content: JsonObject, rules: RedactionRules): JsonObject {
  const redacted = pick(content, ['membership']);
  if (rules.memberAuthorisedVia) Object.assign(redacted, pick(content, ['join_authorised_via_users_server']));
  const invite = content.third_party_invite;
  // The member is kept even if it has no `signed`, because existing servers keep it and the event id depends on it.
  if (rules.memberThirdPartySigned && isObject(invite)) redacted.third_party_invite = pick(invite, ['signed']);
  return redacted;
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const key of keys) {
    const value = object[key];
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}
