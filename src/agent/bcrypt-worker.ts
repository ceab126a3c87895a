import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

// A thread that compares passwords with their hashes: bcrypt takes from 50 ms to seconds of CPU, on purpose.

parentPort?.on('message', ({ password, hash }: { readonly password: string; readonly hash: string }) =>
  parentPort?.postMessage(compareSync(password, hash)),
);
