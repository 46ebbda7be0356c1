import { getCapabilities } from '@hearth/api/client/capabilities.ts';
import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { DELAY_MS_MAX, SCHEDULED_MAX } from '../delayed-events/delayed-events.ts';
import { type Route, route } from '../http/route.ts';

/** Returns the route of `GET /capabilities` (client-server API, "Capabilities negotiation"). */
export function capabilitiesRoutes(defaultRoomVersion: string): Route[] {
  const available = Object.fromEntries(ROOM_VERSIONS.map(({ id, stable }) => [id, stable ? 'stable' : 'unstable']));
  return [
    route(getCapabilities, ({ caller }) => ({
      capabilities: {
        'm.room_versions': { default: defaultRoomVersion, available },
        'm.change_password': { enabled: true },
        'm.set_displayname': { enabled: true },
        'm.set_avatar_url': { enabled: true },
        'm.profile_fields': { enabled: true },
        'm.3pid_changes': { enabled: false },
        'm.get_login_token': { enabled: true },
        'org.matrix.msc4140.delayed_events': { max_delay_ms: DELAY_MS_MAX, max_scheduled: SCHEDULED_MAX },
        ...(caller.isAdmin && { 'm.account_moderation': { lock: true, suspend: true } }),
      },
    })),
  ];
}
