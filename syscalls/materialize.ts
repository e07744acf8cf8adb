/** Puts planned values into this process's own memory, for a call made now. */
import { loadKoffi } from './libc.ts';
import { type Argument, isKind } from './memory.ts';

/**
 * What koffi takes for an argument. Buffers that hold pointed-to bytes are added to `keepAlive`, which must
 * outlive the call.
 * @throws TypeError for a variable: it has no value outside a plan
 */
export function materialize(value: Argument, keepAlive: Uint8Array[]): unknown {
  if (value instanceof Uint8Array) return value;
  if (isKind(value, 'variable') || isKind(value, 'address')) {
    throw new TypeError('a variable of a plan has no value in a direct call');
  }
  if (!isKind(value, 'memory')) return value;
  if (value.pointers.length === 0) return value.bytes;

  const bytes = Uint8Array.from(value.bytes);
  const view = new DataView(bytes.buffer);
  for (const { offset, to } of value.pointers) {
    view.setBigUint64(offset, addressIn(to, keepAlive), true);
  }
  keepAlive.push(bytes);
  return bytes;
}

function addressIn(value: Argument, keepAlive: Uint8Array[]): bigint {
  const target = typeof value === 'string' ? Buffer.from(`${value}\0`) : materialize(value, keepAlive);
  if (target === null) return 0n;
  if (typeof target === 'number' || typeof target === 'bigint') return BigInt.asUintN(64, BigInt(target));
  keepAlive.push(target as Uint8Array);
  return BigInt(loadKoffi().address(target));
}
