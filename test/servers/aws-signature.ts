import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** Who signed a request, for which region and service; `undefined` if it is not signed, or not by this secret key. */
export type Signed = { readonly accessKeyId: string; readonly region: string; readonly service: string };

/**
 * Checks a request's signature by the letter of the specification, apart from the library that signs.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export const signedBy = (request: IncomingMessage, body: Buffer, secretKey: string): Signed | undefined => {
  const { authorization = '' } = request.headers;
  const [, id = '', day = '', region = '', service = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (id === '') return undefined;
  const [path = '/', query = ''] = (request.url ?? '').split('?');
  const text = (name: string) =>
    String(request.headers[name] ?? '')
      .trim()
      .replaceAll(/ +/g, ' ');
  const stated = text('x-amz-content-sha256');
  if (stated !== '' && stated !== sha256(body) && !stated.startsWith('STREAMING-') && stated !== 'UNSIGNED-PAYLOAD')
    return undefined;
  const canonical = [
    request.method,
    service === 's3' ? path : path.split('/').map(encodeURIComponent).join('/'),
    query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => (part.includes('=') ? part : `${part}=`))
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${text(name)}`),
    '',
    names,
    stated === '' ? sha256(body) : stated,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', text('x-amz-date'), scope, sha256(canonical)].join('\n');
  const key = [region, service, 'aws4_request'].reduce(
    (sofar, part) => hmac(sofar, part),
    hmac(`AWS4${secretKey}`, day),
  );
  return hmac(key, toSign).toString('hex') === signature ? { accessKeyId: id, region, service } : undefined;
};
