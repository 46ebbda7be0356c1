import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OperatorError } from '../platform/operator-error.ts';

/** Asks for a new password twice without showing it. If the input is a pipe or a file, reads its first line. */
export async function readPassword(): Promise<string> {
  const { stdin, stderr } = process;
  const isTerminal = stdin.isTTY === true;
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: hidden, terminal: isTerminal });
  try {
    if (!isTerminal) {
      for await (const line of lines) return line;
      throw new OperatorError('the password is missing: write it in the first line of the input');
    }
    stderr.write('Password: ');
    const first = await lines.question('');
    stderr.write('\nRepeat the password: ');
    const second = await lines.question('');
    stderr.write('\n');
    if (first !== second) throw new OperatorError('the two passwords differ: run the command again');
    return first;
  } finally {
    lines.close();
  }
}
