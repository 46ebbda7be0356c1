import { fork } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Exchange } from '../packages/homeserver/src/http/exchange.ts';
import { PlainGate } from '../packages/homeserver/src/http/plain/gate.ts';
import { systemClock } from '../packages/homeserver/src/platform/clock.ts';

/**
 * Measures what a request costs that does nothing, from the first one after a start on, and at the end when requests come one
 * by one: the floor under everything that is served on `node:http`, see docs/performance.md. With the argument `gate`, the
 * same behind the gate that serves ordinary requests (docs/decisions/0011-plain-requests.md). The server is a process of its
 * own; both can be pinned to a core.
 */

const BODY = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(100) });
/** How far each line of the result goes. */
const UP_TO = [50, 150, 500, 1_000, 5_000, 20_000];
const CONNECTIONS = 8;
/** At the end, requests that come alone: how many, and the milliseconds between them. */
const ALONE = 100;
const PAUSES_MS = [0, 2, 15, 50];

const answerTo = (method: string | undefined) =>
  method === 'GET' ? JSON.stringify(process.cpuUsage()) : '{"event_id":"$x"}';

function listen(server: Server): void {
  process.on('disconnect', () => process.exit());
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

function serveOnHttp(): void {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      const text = answerTo(incoming.method);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      response.end(text);
    });
  });
  listen(server);
}

/** As the server does it: ordinary requests past `node:http`. */
function serveBehindGate(): void {
  const server = createServer();
  new PlainGate((exchange) => void answer(exchange), systemClock).standBefore(server, 'connection');
  listen(server);
}

const JSON_HEADERS = ['Content-Type', 'application/json'];

async function answer(exchange: Exchange): Promise<void> {
  if (exchange.bodyLength !== 0 && exchange.bodyAtHand === undefined) await exchange.receive(() => undefined);
  const text = answerTo(exchange.method);
  exchange.send(200, { shared: JSON_HEADERS, own: ['Content-Length', `${text.length}`] }, text, 'latin1');
}

async function measure(server: string): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [server]);
  const port = await new Promise<number>((resolve) => child.once('message', resolve));
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = (method: string) =>
    new Promise<string>((resolve, reject) => {
      const sent = request({ agent, port, host: '127.0.0.1', method, path: '/send' }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve(text));
      });
      sent.on('error', reject).end(method === 'GET' ? undefined : BODY);
    });
  const cpuMs = async () => {
    const { user, system } = JSON.parse(await ask('GET')) as NodeJS.CpuUsage;
    return (user + system) / 1_000;
  };
  let done = 0;
  let before = await cpuMs();
  for (const upTo of UP_TO) {
    const from = done;
    const work = async () => {
      while (done < upTo) {
        done += 1;
        await ask('PUT');
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    const after = await cpuMs();
    console.log(`requests ${from + 1} to ${done}: ${((after - before) / (done - from)).toFixed(3)} ms of CPU each`);
    before = after;
  }
  for (const pauseMs of PAUSES_MS) {
    const start = await cpuMs();
    for (let i = 0; i < ALONE; i += 1) {
      await ask('PUT');
      await setTimeout(pauseMs);
    }
    console.log(`alone, ${pauseMs} ms apart: ${(((await cpuMs()) - start) / ALONE).toFixed(3)} ms of CPU each`);
  }
  agent.destroy();
  child.kill();
}

const argument = process.argv[2];
if (argument === 'serve-http') serveOnHttp();
else if (argument === 'serve-gate') serveBehindGate();
else await measure(argument === 'gate' ? 'serve-gate' : 'serve-http');
