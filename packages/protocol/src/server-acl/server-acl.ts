import { parseServerName, type ServerName, splitServerName } from '../identifiers/server-name.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { globListMatcher, type TextMatcher } from '../matching/glob.ts';

/** A function that returns whether a server may take part in a room. */
export type ServerAcl = (server: ServerName) => boolean;

const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;

/**
 * Compiles the content of `m.room.server_acl`; without content every server is allowed (client-server API,
 * `m.room.server_acl`). Patterns ignore case and port. Malformed members count as missing.
 */
export function compileServerAcl(content: JsonObject | undefined): ServerAcl {
  if (content === undefined) return () => true;
  const isDenied = listMatcher(content.deny);
  const isAllowed = listMatcher(content.allow);
  const refusesIpLiterals = content.allow_ip_literals === false;
  return (server) => {
    const host = splitServerName(server).host.toLowerCase();
    if (refusesIpLiterals && isIpLiteral(host)) return false;
    return !isDenied(host) && isAllowed(host);
  };
}

/** Returns whether an ACL would exclude a server, so that users can be kept from excluding their own. */
export function excludesServer(content: JsonObject, server: string): boolean {
  const name = parseServerName(server);
  return name === undefined || !compileServerAcl(content)(name);
}

function listMatcher(list: JsonValue | undefined): TextMatcher {
  return globListMatcher(Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []);
}

function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || IPV4.test(host);
}
