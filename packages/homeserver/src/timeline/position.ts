import { invalidParam } from '@hearth/protocol/errors.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';

/**
 * A parsed token. `s…` is a position in the server's stream (`next_batch`, the tokens of `/events`). `t…` is a position
 * in a room's timeline (`prev_batch`, the tokens of `/messages`). Each is the position after the event with this
 * number. Endpoints accept both kinds if the specification permits both. The `pos` of sliding sync is a token of the
 * stream with the name of the state of a connection. Other endpoints ignore the name. A `next_batch` may have a second
 * number, see {@link syncToken}, which only `/sync` evaluates.
 */
export type Token =
  | { readonly kind: 'stream'; readonly position: number }
  | { readonly kind: 'timeline'; readonly seq: number };

export function streamToken(position: number): string {
  return `s${position}`;
}

/**
 * Renders a `next_batch`. `toDevice` is the position up to which messages to the device were delivered, if it differs.
 */
export function syncToken(position: number, toDevice: number | undefined): string {
  return toDevice === undefined ? `s${position}` : `s${position}~${toDevice}`;
}

/** Parses a token of {@link syncToken}. @throws MatrixError M_INVALID_PARAM */
export function parseSyncToken(
  text: string,
  parameter: string,
): { readonly position: number; readonly toDevice: number } {
  const position = parseStreamToken(text, parameter);
  const mark = text.indexOf('~');
  return { position, toDevice: mark === -1 ? position : Number(text.slice(mark + 1)) };
}

export function timelineToken(seq: number): string {
  return `t${seq}`;
}

/** Parses a token of either kind. @throws MatrixError M_INVALID_PARAM for an invalid token */
export function parseToken(text: string, parameter: string): Token {
  const match = /^(?:s(\d{1,15})(?:_\w+|~\d{1,15})?|t(\d{1,15}))$/.exec(text);
  if (match === null) throw invalidParam(`'${parameter}' is not a token of this server`);
  const [, position, seq] = match;
  return position === undefined
    ? { kind: 'timeline', seq: Number(seq) }
    : { kind: 'stream', position: Number(position) };
}

/** Parses a token of the stream. @throws MatrixError M_INVALID_PARAM for another text */
export function parseStreamToken(text: string, parameter: string): number {
  const token = parseToken(text, parameter);
  if (token.kind !== 'stream') throw invalidParam(`'${parameter}' is not a token of the event stream`);
  return token.position;
}

/** Returns the sequence number of the last event of a room's timeline at or before a token. */
export async function seqOfToken(timelines: TimelineStore, room: number, token: Token): Promise<number> {
  return token.kind === 'timeline' ? token.seq : timelines.seqAt(room, token.position);
}

/** Returns the position in the stream for a token of either kind. @throws MatrixError M_INVALID_PARAM */
export async function positionOf(
  timelines: TimelineStore,
  room: number,
  text: string | undefined,
): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const token = parseToken(text, 'from');
  if (token.kind === 'stream') return token.position;
  const [num] = await timelines.page({ room, after: 0, upTo: token.seq }, true, 1);
  return num ?? 0;
}
