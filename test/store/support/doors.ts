/** Both ways into the store: what scripts of tests import as `'store'`. */
export * from '../../../store/index.ts';
export * from '../../../store/transfer.ts';
