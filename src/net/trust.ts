/** Secure contexts by configuration, trusted roots, verified chains. */
export type Trust = object;
