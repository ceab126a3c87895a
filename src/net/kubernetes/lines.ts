/** A line longer than this is no object of a sound API server (etcd keeps 1.5 MiB at most), in bytes. */
const longestLine = 8 * 1_024 * 1_024;

/**
 * Lines of a stream of bytes in UTF-8. What stands behind the last line break when the stream ends is half a line and not given.
 * Throws when a line is longer than 8 MiB.
 */
export const linesOf = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      pieces.push(chunk.subarray(from, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      held = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    pieces.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > longestLine) throw new Error(`a line of more than ${longestLine} bytes`);
  }
};
