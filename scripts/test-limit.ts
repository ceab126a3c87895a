/**
 * Loaded before every test file by `npm test`: a file whose process does not end says what it left open, and fails.
 * `BOTHWAYS_TEST_LIMIT` is the time for one file in seconds (300).
 */
const seconds = Number(process.env.BOTHWAYS_TEST_LIMIT ?? 300);

setTimeout(() => {
  console.error(`still running after ${seconds} s, with open: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}, seconds * 1_000).unref();
