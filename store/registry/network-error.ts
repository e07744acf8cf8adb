/** Says in words why a server could not be talked to. */
import { CaissonError, hasCode, isError } from '../../syscalls/index.ts';

/** The server's certificate is not believed: codes of OpenSSL and Node. */
const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF|SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY|DECODE)|HOSTNAME_MISMATCH)/;
/** What comes back is not TLS. */
const NOT_TLS = /^(?:EPROTO|ERR_SSL_)/;
const LOST = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'EAI_AGAIN'];
const SLOW = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'];
const HTTP = /^(?:HPE_|UND_ERR_)/;

/**
 * The error for a request that got no (whole) answer; what is no such error stays as it is.
 *
 * @param doing what was asked for: `GET https://host/v2/`
 */
export function explainNetworkError(error: unknown, doing: string): unknown {
  if (error instanceof CaissonError || !isError(error) || !('code' in error)) return error;
  if (error.name === 'AbortError') return error;
  const code = String(error.code);
  const failed = (name: string, reason: string, hint?: string) =>
    new CaissonError(name, `${doing}: ${reason}`, { cause: error, hint });
  if (CERTIFICATE.test(code)) {
    const hint = 'trust who issued it with the option ca, or anybody with insecure';
    return failed('CERTIFICATE_INVALID', `the certificate of the server is not valid: ${error.message}`, hint);
  }
  if (NOT_TLS.test(code)) {
    const hint = 'a registry without it is reached with the option insecure';
    return failed('REGISTRY_UNREACHABLE', `the server does not speak TLS: ${code}`, hint);
  }
  if (LOST.includes(code)) return failed('CONNECTION_LOST', `the connection was lost: ${error.message}`);
  if (SLOW.includes(code)) return failed('REGISTRY_TIMEOUT', `the server takes too long: ${error.message}`);
  if (code === 'ENOTFOUND') {
    return failed('REGISTRY_UNREACHABLE', 'there is no such host', 'is the name right, and is there a network?');
  }
  if (HTTP.test(code) || error.name === 'HTTPParserError')
    return failed('REGISTRY_ERROR', `the answer is not HTTP: ${error.message}`);
  if (/^E[A-Z]+$/.test(code)) return failed('REGISTRY_UNREACHABLE', `no connection: ${error.message || code}`);
  return error;
}

/** Whether an error means that the server might have been reached without TLS. */
export function isWithoutTls(error: unknown): boolean {
  if (!hasCode(error, 'REGISTRY_UNREACHABLE', 'CONNECTION_LOST') || !isError(error)) return false;
  const { cause } = error;
  return isError(cause) && 'code' in cause && (NOT_TLS.test(String(cause.code)) || cause.code === 'ECONNRESET');
}
