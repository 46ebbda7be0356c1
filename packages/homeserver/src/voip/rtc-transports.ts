import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** What carries group calls, in the form of MSC4143; nothing without a LiveKit server. */
export function rtcTransports(livekitUrl: string | undefined): JsonObject[] {
  return livekitUrl === undefined ? [] : [{ type: 'livekit', livekit_service_url: livekitUrl }];
}
