import { openForMedia } from '../compose/commands.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/monitoring/log.ts';
import { systemRandom } from '../platform/random.ts';
import { type ConfigOptions, readConfig } from './options.ts';

interface Options extends ConfigOptions {
  readonly dryRun?: boolean;
}

/** Runs `hearth media gc`, which removes or lists files that nothing refers to, while no server uses the data. */
export async function collectMediaGarbage({ dryRun = false, ...options }: Options): Promise<void> {
  const config = await readConfig(options);
  const machine = { clock: systemClock, random: systemRandom, log: silentLog };
  const media = await openForMedia(config, machine);
  try {
    const report = await media.collectGarbage(dryRun);
    const { expiredIds, unusedCopies, contents, contentBytes, incompleteFiles } = report;
    process.stdout.write(
      `${dryRun ? 'Would remove' : 'Removed'} ${expiredIds} media ids without content, ${unusedCopies} unused remote copies, ` +
        `${contents} unreferenced files with ${contentBytes} bytes, ${incompleteFiles} incomplete uploads.\n`,
    );
  } finally {
    await media.close();
  }
}
