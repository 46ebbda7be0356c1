import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { ConfigError } from '../config/problems.ts';
import { OperatorError } from '../platform/operator-error.ts';
import { checkConfig } from './check-config.ts';
import { createUser } from './create-user.ts';
import { collectMediaGarbage } from './media-gc.ts';
import { start } from './start.ts';

/** Runs the command line. Returns the exit status: 0, 1 when something failed, 2 for a wrong command line. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ConfigError) return fail(error.problems);
    if (error instanceof OperatorError) return fail([error.message]);
    throw error;
  }
}

function fail(messages: readonly string[]): number {
  for (const message of messages) process.stderr.write(`hearth: ${message}\n`);
  return 1;
}

function program(): Command {
  const hearth = new Command('hearth')
    .description('A Matrix homeserver.')
    .version(`Hearth ${manifest.version}`)
    .exitOverride()
    .showHelpAfterError('(hearth --help lists what there is)');
  configured(hearth.command('start'))
    .description('Start the server; it runs until SIGTERM or SIGINT.')
    .option('--listen <host:port...>', 'where to listen')
    .action(start);
  configured(hearth.command('create-user'))
    .description('Create an account while the server is stopped. Asks for the password, or reads it from the input.')
    .argument('<name>', 'the part of the user id before the colon')
    .option('--admin', 'make it an administrator')
    .option('--password <password>', 'the password; other people on this machine may see it')
    .action(createUser);
  configured(hearth.command('check-config'))
    .description('Say what is wrong with the configuration.')
    .option('--listen <host:port...>', 'where to listen')
    .action(checkConfig);
  const media = hearth.command('media').description('Look after uploaded files.');
  configured(media.command('gc'))
    .description('Remove files that nothing refers to, while the server is stopped; it does so by itself as well.')
    .option('--dry-run', 'only say what would be removed')
    .action(collectMediaGarbage);
  for (const command of [...hearth.commands, ...media.commands])
    command.version(`Hearth ${manifest.version}`).exitOverride();
  return hearth;
}

function configured(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: hearth.yaml, if it is there)')
    .option('--server-name <name>', 'the name in user ids and room aliases')
    .option('--data-dir <folder>', 'the folder for everything the server keeps');
}
