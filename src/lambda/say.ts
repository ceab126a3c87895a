/** What is said while probing; the messages hold no secrets. `undelivered` are samples and `unprobed` checks, for the alarms that count them. */
export type Say = (line: {
  readonly level: 'warn' | 'error';
  readonly msg: string;
  readonly undelivered?: number;
  readonly unprobed?: number;
}) => void;
