/** Says something to whoever runs the agent. Never a secret. */
export type Log = (level: 'info' | 'warn' | 'error', message: string) => void;
