/**
 * Members that redaction keeps in addition to those that it keeps in every room version (rooms/v1 to rooms/v11,
 * "Redactions").
 */
export interface RedactionRules {
  /** The event's own `prev_state`, `origin` and `membership` (up to version 10). */
  readonly historicalFields: boolean;
  /** `aliases` of `m.room.aliases` (up to version 5). */
  readonly aliases: boolean;
  /** `allow` of `m.room.join_rules` (version 8). */
  readonly joinRulesAllow: boolean;
  /** `join_authorised_via_users_server` of `m.room.member` (version 9). */
  readonly memberAuthorisedVia: boolean;
  /** `third_party_invite.signed` of `m.room.member` (version 11). */
  readonly memberThirdPartySigned: boolean;
  /** All of `m.room.create`, not only `creator` (version 11). */
  readonly createWhole: boolean;
  /** `invite` of `m.room.power_levels` (version 11). */
  readonly powerLevelsInvite: boolean;
  /** `redacts` of `m.room.redaction` (version 11). */
  readonly redactionRedacts: boolean;
}

/** The rules of room version 1. */
export const FIRST_REDACTION_RULES: RedactionRules = {
  historicalFields: true,
  aliases: true,
  joinRulesAllow: false,
  memberAuthorisedVia: false,
  memberThirdPartySigned: false,
  createWhole: false,
  powerLevelsInvite: false,
  redactionRedacts: false,
};
