import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { federates } from '../compose/federation.ts';
import type { Finding } from '../doctor/finding.ts';
import { systemClock } from '../platform/clock.ts';
import { OperatorError } from '../platform/operator-error.ts';
import { systemRandom } from '../platform/random.ts';
import { type ConfigOptions, readConfig } from './options.ts';

/**
 * Runs `hearth doctor`, which examines the configured server, or another one as the configured server sees it. Prints
 * each finding as soon as it is known.
 * @throws OperatorError when a check has failed
 */
export async function examine(name: string | undefined, options: ConfigOptions): Promise<void> {
  const config = await readConfig(options);
  const serverName = parseServerName(name ?? config.server_name);
  if (serverName === undefined) throw new OperatorError(`${name} is not a server name, such as example.org`);
  const { openDoctor } = await import('../compose/doctor.ts');
  const examination = openDoctor(config, { clock: systemClock, random: systemRandom });
  let failures = 0;
  const report = async (findings: AsyncIterable<Finding>) => {
    for await (const finding of findings) {
      process.stdout.write(lineOf(finding));
      if (finding.outcome === 'failed') failures += 1;
    }
  };
  try {
    if (name === undefined) await report(examination.ofMachine());
    if (name !== undefined || federates(config)) {
      await report(
        examination.doctor.examine(serverName, name === undefined ? config.federation.delegate_to : undefined),
      );
    } else {
      process.stdout.write(lineOf(notFederating(serverName)));
    }
  } finally {
    examination.close();
  }
  if (failures > 0) throw new OperatorError(`${failures === 1 ? '1 check' : `${failures} checks`} failed`);
}

function notFederating(serverName: string): Finding {
  const text = `${serverName} does not federate, so its reachability for other servers is not examined`;
  return { outcome: 'skipped', subject: 'federation', text };
}

function lineOf({ outcome, subject, text, advice }: Finding): string {
  const line = `${outcome.padEnd(8)} ${subject}: ${text}\n`;
  return advice === undefined ? line : `${line}         ${advice}\n`;
}
