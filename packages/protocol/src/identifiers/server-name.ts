import { type Branded, IDENTIFIER_BYTES_MAX } from './brand.ts';

/** A homeserver's name: `hostname[:port]` (appendices, "Server Name"). Compared case-sensitively. */
export type ServerName = Branded<'ServerName'>;

const SERVER_NAME = /^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::([0-9]{1,5}))?$/;

/** Parses a server name. Returns undefined when the grammar does not allow it. */
export function parseServerName(text: string): ServerName | undefined {
  if (text.length > IDENTIFIER_BYTES_MAX || !SERVER_NAME.test(text)) return undefined;
  return text as ServerName;
}

/** Returns the host and port of a server name; an IPv6 host keeps its brackets. */
export function splitServerName(name: ServerName): { host: string; port?: number } {
  const [, host = name, port] = SERVER_NAME.exec(name) ?? [];
  return port === undefined ? { host } : { host, port: Number(port) };
}
