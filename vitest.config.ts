import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: ['tests/support/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One second, the default, is short for a machine that does other things as well.
    expect: { poll: { timeout: 10_000 } },
  },
});
