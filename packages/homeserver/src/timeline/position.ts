import { invalidParam } from '@hearth/protocol/errors.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';

/**
 * The tokens that clients carry around. `s…` is a place in the server's stream (`next_batch`, the tokens of `/events`),
 * `t…` one in a room's timeline (`prev_batch`, the tokens of `/messages`): just after the event of that number.
 * Wherever the specification lets tokens of both kinds in, both work. The `pos` of sliding sync is a place in the stream
 * with the name of a connection's state behind it, and works wherever one without does. A `next_batch` may have a second
 * number, see {@link syncToken}, at which only `/sync` looks.
 */
export type Token =
  | { readonly kind: 'stream'; readonly position: number }
  | { readonly kind: 'timeline'; readonly seq: number };

export function streamToken(position: number): string {
  return `s${position}`;
}

/** A `next_batch` after which messages to the device are still to come, from another place than everything else. */
export function syncToken(position: number, toDevice: number | undefined): string {
  return toDevice === undefined ? `s${position}` : `s${position}~${toDevice}`;
}

/** Parses a token that {@link syncToken} has made. @throws MatrixError M_INVALID_PARAM */
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

/** @throws MatrixError M_INVALID_PARAM for a text that is no token */
export function parseToken(text: string, parameter: string): Token {
  const match = /^(?:s(\d{1,15})(?:_\w+|~\d{1,15})?|t(\d{1,15}))$/.exec(text);
  if (match === null) throw invalidParam(`${parameter} is not a token of this server`);
  const [, position, seq] = match;
  return position === undefined
    ? { kind: 'timeline', seq: Number(seq) }
    : { kind: 'stream', position: Number(position) };
}

/** @throws MatrixError M_INVALID_PARAM for anything but a place in the stream */
export function parseStreamToken(text: string, parameter: string): number {
  const token = parseToken(text, parameter);
  if (token.kind !== 'stream') throw invalidParam(`${parameter} is not a token of a stream`);
  return token.position;
}

/** The number of the last event of a room's timeline at or before a token. */
export async function seqOfToken(timelines: TimelineStore, room: number, token: Token): Promise<number> {
  return token.kind === 'timeline' ? token.seq : timelines.seqAt(room, token.position);
}

/** The position in the stream that a token of either kind means. @throws MatrixError M_INVALID_PARAM */
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
