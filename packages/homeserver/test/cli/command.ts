import { vi } from 'vitest';
import { run } from '../../src/cli/program.ts';

/** Runs a command and returns its status and output. */
export async function command(...args: string[]): Promise<string> {
  const said: string[] = [];
  const note = (text: string | Uint8Array) => said.push(String(text)) > 0;
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(note),
    vi.spyOn(process.stderr, 'write').mockImplementation(note),
  ];
  const status = await run(args);
  for (const spy of spies) spy.mockRestore();
  return `${status}: ${said.join('')}`;
}
