import { execFile } from 'node:child_process';

/**
 * Asks the AWS command line for credentials, as JSON text; it knows profiles, roles and single sign-on. Rejects if it is not
 * installed or not logged in.
 * @see https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
 */
export const askAwsCommandLine = (profile: string | undefined): Promise<string> =>
  new Promise((resolve, reject) => {
    const words = ['configure', 'export-credentials', '--format', 'process'];
    const named = profile === undefined ? [] : ['--profile', profile];
    execFile('aws', [...words, ...named], { timeout: 20_000 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
