import { type Failure, failure } from '../../kernel/reason.ts';
import { headLimit, mostInterim, tooManyInterim } from './exchange.ts';

/** Counts what an HTTP/1.1 answer is made of besides its body, which its parser takes without any limit of its own. */
export type Framing = {
  /** Bytes were read from the connection, or (negative) put back. A failure if they are too many for what came of them. */
  readonly read: (bytes: number) => Failure | undefined;
  /** An interim answer came. */
  readonly interim: () => Failure | undefined;
  /** The head of the final answer came. */
  readonly head: () => void;
  /** Bytes of the body came. */
  readonly body: (bytes: number) => void;
};

/** What one read can bring beyond the limit: of a body behind the head, say. */
const oneRead = 64 * 1_024;

/** Chunks of one byte take five bytes of framing each; what takes more than this, beyond the first part, is not meant to carry a body. */
const mostPerByte = 16;

/** Starts to count. */
export const framing = (): Framing => {
  let bytesRead = 0;
  let bodyBytes = 0;
  let interims = 0;
  let hasHead = false;
  return {
    read: (bytes) => {
      // What was read before has been parsed by now.
      if (bytes > 0 && !hasHead && bytesRead > headLimit)
        return failure('headers_too_large', 'transfer', `no end of the head within ${headLimit} bytes`);
      const around = bytesRead - bodyBytes;
      if (bytes > 0 && around > 2 * headLimit + oneRead + mostPerByte * bodyBytes)
        return failure('protocol_error', 'transfer', `${around} bytes of framing around ${bodyBytes} bytes of body`);
      bytesRead += bytes;
      return undefined;
    },
    interim: () => {
      interims += 1;
      return interims > mostInterim ? tooManyInterim() : undefined;
    },
    head: () => {
      hasHead = true;
    },
    body: (bytes) => {
      bodyBytes += bytes;
    },
  };
};
