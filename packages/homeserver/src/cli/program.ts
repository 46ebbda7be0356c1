import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { ConfigError } from '../config/problems.ts';
import { OperatorError } from '../platform/operator-error.ts';
import { checkConfig } from './check-config.ts';
import { createUser } from './create-user.ts';
import { examine } from './doctor.ts';
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
    .showHelpAfterError('(hearth --help lists the commands and options)');
  configured(hearth.command('start'))
    .description('Start the server. It runs until it gets SIGTERM or SIGINT.')
    .option('--listen <host:port...>', 'an address to listen on')
    .action(start);
  configured(hearth.command('create-user'))
    .description(
      'Create an account. The server must be stopped. The command asks for the password or reads it from the input.',
    )
    .argument('<name>', 'the local part of the user id, such as alice for @alice:example.org')
    .option('--admin', 'make the account an administrator')
    .option('--password <password>', 'the password (visible to other users of this machine)')
    .action(createUser);
  configured(hearth.command('check-config'))
    .description('Check the configuration and print all mistakes.')
    .option('--listen <host:port...>', 'an address to listen on')
    .action(checkConfig);
  configured(hearth.command('doctor'))
    .description(
      'Examine the configured server, or another server as this one sees it: DNS, certificates, keys, clock, database, disk.',
    )
    .argument('[server-name]', 'the name of another server, such as example.org')
    .action(examine);
  const media = hearth.command('media').description('Manage media files.');
  configured(media.command('gc'))
    .description(
      'Remove unreferenced media files. The server must be stopped. A running server removes them by itself.',
    )
    .option('--dry-run', 'print what would be removed, and remove nothing')
    .action(collectMediaGarbage);
  for (const command of [...hearth.commands, ...media.commands])
    command.version(`Hearth ${manifest.version}`).exitOverride();
  return hearth;
}

function configured(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration file (default: hearth.yaml, if it exists)')
    .option('--server-name <name>', 'the server name in user ids and room aliases')
    .option('--data-dir <folder>', 'the folder for the data of the server');
}
