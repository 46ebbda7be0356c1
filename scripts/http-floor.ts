import { fork } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Measures what a request costs that does nothing, from the first one after a start on: the floor under everything that
 * is served on `node:http`, see docs/performance.md. The server is a process of its own; both can be pinned to a core.
 */

const BODY = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(100) });
/** How far each line of the result goes. */
const UP_TO = [50, 150, 500, 1_000, 5_000, 20_000];
const CONNECTIONS = 8;

function serve(): void {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      const text = incoming.method === 'GET' ? JSON.stringify(process.cpuUsage()) : '{"event_id":"$x"}';
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      response.end(text);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function measure(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
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
  agent.destroy();
  child.kill();
}

if (process.argv[2] === 'serve') serve();
else await measure();
