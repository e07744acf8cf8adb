/** Refuses options of pods that cannot be meant. */
import { type Check, checkAll, describe, isObject, isString } from './checks.ts';
import type { PodContainer, PodOptions, SharedNamespace } from './pod-options.ts';

const SHARED: readonly SharedNamespace[] = ['network', 'ipc', 'pid', 'uts'];

/** Looked at when the containers are made. */
const anything: Check = () => undefined;

const POD_CHECKS: Readonly<Record<string, Check>> = {
  containers: (value) => {
    const isFilled = isObject(value) && Object.keys(value).length > 0 && Object.values(value).every(isObject);
    return isFilled ? undefined : 'an object of at least one container, by name';
  },
  share: (value) => {
    const isValid = Array.isArray(value) && value.every((each) => SHARED.includes(each));
    return isValid ? undefined : `an array of ${SHARED.map((each) => `'${each}'`).join(', ')}`;
  },
  name: isString,
  hostname: anything,
  hosts: anything,
  labels: anything,
  userns: anything,
  signal: anything,
};

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkPodOptions(options: PodOptions): void {
  checkAll('option', options, POD_CHECKS);
  if (options.containers === undefined) throw new TypeError("option 'containers' must be given");
  const [[name, first] = ['', undefined]] = Object.entries<PodContainer>(options.containers);
  if (first?.image === undefined) throw new TypeError(`containers.${name} must have an image: it is the first`);
  const { share = [], hostname } = options;
  if (hostname !== undefined && !share.includes('uts')) {
    throw new TypeError(`option 'hostname' takes share: ['uts'], got ${describe(share)}; containers may have one each`);
  }
}

/** What the pod decides for all of its containers. */
const DECIDED = ['network', 'userns', 'detach', 'image'];

/** @throws TypeError when a container cannot be added to a pod */
export function checkPodContainer(
  name: string,
  options: Omit<PodContainer, 'image'>,
  shared: readonly SharedNamespace[],
  taken: readonly string[],
): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
    throw new TypeError(
      `the name of a pod's container must be letters, digits, _ . - and a letter or digit first, got ${describe(name)}`,
    );
  }
  if (taken.includes(name)) throw new TypeError(`the pod has a container '${name}' already`);
  for (const option of DECIDED) {
    if (option in options) throw new TypeError(`option '${option}' of '${name}' is the pod's to decide`);
  }
  for (const type of shared) {
    if (options.namespaces !== undefined && type in options.namespaces) {
      throw new TypeError(`namespaces.${type} of '${name}' is the pod's to decide: it is shared`);
    }
  }
}
