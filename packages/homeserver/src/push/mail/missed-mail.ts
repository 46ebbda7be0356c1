import { asString } from '@hearth/protocol/json/value.ts';
import type { Head } from '../../rooms/head.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { memberNameOf, type RoomNames } from '../room-name.ts';
import type { Mail } from './mailer.ts';

/** A message that a user has not read, and its room. */
export interface Missed {
  readonly event: StoredEvent;
  readonly head: Head;
}

interface RoomPart {
  readonly name: string;
  readonly lines: readonly { readonly sender: string; readonly text: string }[];
  /** The number of messages that are not shown. */
  readonly more: number;
}

const ROOMS_MAX = 10;
const LINES_MAX = 5;
const TEXT_CHARACTERS_MAX = 300;

/** Renders the mail about unread messages. */
export async function missedMail(
  roomNames: RoomNames,
  to: { readonly user: number; readonly userId: string; readonly address: string },
  missed: readonly Missed[],
): Promise<Mail> {
  const byRoom = [...Map.groupBy(missed, ({ head }) => head.num).values()];
  const parts: RoomPart[] = [];
  for (const some of byRoom.slice(0, ROOMS_MAX)) parts.push(await partOf(roomNames, to.user, some));
  const subject = oneLine(
    parts.length === 1 ? `Unread in ${parts[0]?.name}` : `Unread in ${parts[0]?.name} and ${byRoom.length - 1} more`,
  );
  const rest = byRoom.length > ROOMS_MAX ? `And ${byRoom.length - ROOMS_MAX} more rooms.` : '';
  const foot = `This is for ${to.userId}. Your client's settings for notifications end it.`;
  return { to: to.address, subject, text: textOf(parts, rest, foot), html: htmlOf(parts, rest, foot) };
}

async function partOf(roomNames: RoomNames, user: number, missed: readonly Missed[]): Promise<RoomPart> {
  const lines = [];
  for (const { event, head } of missed.slice(0, LINES_MAX)) {
    lines.push({ sender: oneLine(await memberNameOf(head, event.sender)), text: oneLine(describe(event)) });
  }
  const head = missed[0]?.head;
  const name = head === undefined ? undefined : await roomNames.of(head, user);
  return { name: oneLine(name ?? 'a room'), lines, more: Math.max(0, missed.length - LINES_MAX) };
}

function describe({ type, content }: StoredEvent): string {
  if (type === 'm.room.member') return 'invited you';
  if (type === 'm.room.encrypted') return 'sent an encrypted message';
  return asString(content.body) ?? 'sent something';
}

function textOf(parts: readonly RoomPart[], rest: string, foot: string): string {
  const rooms = parts.map(({ name, lines, more }) => {
    const shown = lines.map(({ sender, text }) => `  ${sender}: ${text}`);
    return [name, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])].join('\n');
  });
  return [...rooms, ...(rest === '' ? [] : [rest]), foot].join('\n\n');
}

function htmlOf(parts: readonly RoomPart[], rest: string, foot: string): string {
  const rooms = parts.map(({ name, lines, more }) => {
    const shown = lines.map(({ sender, text }) => `<li><b>${escaped(sender)}</b>: ${escaped(text)}</li>`);
    const last = more > 0 ? `<li>… and ${more} more</li>` : '';
    return `<h3>${escaped(name)}</h3><ul>${shown.join('')}${last}</ul>`;
  });
  return `<!doctype html><html><body>${rooms.join('')}<p>${escaped(rest)}</p><p><small>${escaped(foot)}</small></p></body></html>`;
}

/** Escapes text of users, so that it does not become markup of the mail. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function oneLine(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return flat.length > TEXT_CHARACTERS_MAX ? `${flat.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()}…` : flat;
}
