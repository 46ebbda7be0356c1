import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** Returns the transports of group calls in the format of MSC4143; an empty list without a LiveKit server. */
export function rtcTransports(livekitUrl: string | undefined): JsonObject[] {
  return livekitUrl === undefined ? [] : [{ type: 'livekit', livekit_service_url: livekitUrl }];
}
