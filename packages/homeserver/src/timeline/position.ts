import { invalidParam } from '@hearth/protocol/errors.ts';
import type { TimelineStore } from '../storage/timeline-store.ts';

/**
 * The tokens that clients carry around. `s…` is a place in the server's stream (`next_batch`, the tokens of `/events`),
 * `t…` one in a room's timeline (`prev_batch`, the tokens of `/messages`): just after the event of that number.
 * Wherever the specification lets tokens of both kinds in, both work. The `pos` of sliding sync is a place in the stream
 * with the name of a connection's state behind it, and works wherever one without does.
 */
export type Token =
  | { readonly kind: 'stream'; readonly position: number }
  | { readonly kind: 'timeline'; readonly seq: number };

export function streamToken(position: number): string {
  return `s${position}`;
}

export function timelineToken(seq: number): string {
  return `t${seq}`;
}

/** @throws MatrixError M_INVALID_PARAM for a text that is no token */
export function parseToken(text: string, parameter: string): Token {
  const match = /^(?:s(\d{1,15})(?:_\w+)?|t(\d{1,15}))$/.exec(text);
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
