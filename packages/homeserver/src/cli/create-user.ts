import { MatrixError } from '@hearth/protocol/errors.ts';
import { openForAccounts } from '../compose/commands.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/monitoring/log.ts';
import { OperatorError } from '../platform/operator-error.ts';
import { systemRandom } from '../platform/random.ts';
import { checkPassword } from '../users/registration/registration.ts';
import { type ConfigOptions, readConfig } from './options.ts';
import { readPassword } from './password.ts';

interface Options extends ConfigOptions {
  readonly admin?: boolean;
  readonly password?: string;
}

/** Runs `hearth create-user`, which creates an account in the database while no server uses it. */
export async function createUser(name: string, { admin, password: given, ...options }: Options): Promise<void> {
  const config = await readConfig(options);
  const machine = { clock: systemClock, random: systemRandom, log: silentLog };
  const accounts = await openForAccounts(config, machine);
  const { users } = accounts;
  try {
    const userId = await users.registrations.checkAvailable(name);
    const password = given ?? (await readPassword());
    checkPassword(password);
    await users.accounts.create(userId, { password, isAdmin: admin === true });
    process.stdout.write(`Created ${userId}${admin === true ? ' as an administrator' : ''}.\n`);
  } catch (error) {
    throw error instanceof MatrixError ? new OperatorError(error.message) : error;
  } finally {
    await accounts.close();
  }
}
