/**
 * The host of a service in a region. China's end otherwise than all others.
 * @see https://docs.aws.amazon.com/general/latest/gr/rande.html
 */
export const serviceHost = (service: string, region: string): string =>
  `${service}.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
