import type { MatrixError } from '@hearth/protocol/errors.ts';
import type { Exchange } from '../exchange.ts';
import { type Answer, type FileReply, type JsonPieces, RawJson, Reply } from '../route.ts';

/** The headers of every answer (client-server API, "Web Browser Clients"). */
export const CORS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers',
  'X-Requested-With, Content-Type, Authorization',
];
export const JSON_HEADERS = [...CORS, 'Content-Type', 'application/json'];
const PREFLIGHT_HEADERS = { shared: [...CORS, 'Access-Control-Max-Age', '86400'], own: [] };

/** Sends the answer of a handler. */
export function sendAnswer(exchange: Exchange, answer: Exclude<Answer, FileReply | JsonPieces>): number {
  if (!(answer instanceof Reply)) return sendText(exchange, 200, text(answer));
  return sendText(exchange, answer.status, text(answer.body), answer.headers);
}

/** Sends the standard error reply. */
export function sendError(exchange: Exchange, error: MatrixError): number {
  return sendText(exchange, error.status, JSON.stringify(error.body()), error.headers);
}

/** Answers an `OPTIONS` request, in the same way for every path. */
export function sendPreflight(exchange: Exchange): void {
  exchange.send(204, PREFLIGHT_HEADERS, '', 'latin1');
}

/** Renders the whole response to a request that is not HTTP. */
export function rawError(reason: string, error: MatrixError): string {
  const body = JSON.stringify(error.body());
  const headers = [...JSON_HEADERS, 'Content-Length', `${Buffer.byteLength(body)}`, 'Connection', 'close'];
  const lines = headers.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  return `HTTP/1.1 ${error.status} ${reason}\r\n${lines.join('')}\r\n${body}`;
}

function text(body: Reply['body']): string {
  return body instanceof RawJson ? body.text : JSON.stringify(body);
}

/** Sends JSON in one piece. */
export function sendText(
  exchange: Exchange,
  status: number,
  body: string,
  more?: Readonly<Record<string, string>>,
): number {
  const length = Buffer.byteLength(body);
  const own = ['Content-Length', `${length}`];
  if (more !== undefined) for (const [name, value] of Object.entries(more)) own.push(name, value);
  // Browsers hide most headers from scripts unless they are listed.
  if (status === 429 || status === 503) own.push('Access-Control-Expose-Headers', 'Retry-After');
  // ASCII text is the same in Latin-1, which needs a third of the memory when it is sent.
  exchange.send(status, { shared: JSON_HEADERS, own }, body, length === body.length ? 'latin1' : 'utf8');
  return status;
}
