import { addressBytes } from '../../protocol/ip-address.ts';

/** What {@link isContainerSource} takes, as the end of a message. */
export const containerSources =
  'is not a URL that credentials are read from; write https://, or http:// with a loopback address, localhost, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]';

/** The addresses where ECS and EKS serve the credentials of a container. */
const agents = new Set(['169.254.170.2', '169.254.170.23', 'fd00:ec2::23'].map((ip) => String(addressBytes(ip))));

/**
 * Whether the credentials of a container may be read from a URL, and the container's token sent there: by https, or in plaintext
 * from the machine itself or from the addresses of ECS and EKS. A name other than `localhost` is not resolved, and so not taken.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export const isContainerSource = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  if (protocol === 'https:') return true;
  if (protocol !== 'http:') return false;
  if (hostname === 'localhost') return true;
  const bytes = addressBytes(hostname.replace(/^\[(.*)\]$/, '$1'));
  if (bytes === undefined) return false;
  const isLoopback = bytes.length === 4 ? bytes[0] === 127 : String(bytes) === loopback6;
  return isLoopback || agents.has(String(bytes));
};

const loopback6 = String(addressBytes('::1'));
