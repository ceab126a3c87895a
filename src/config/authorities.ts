/**
 * Adds the list's `ca_file` to settings with a `tls_config` that names no authorities itself. The same settings give the same object,
 * since what they cost is paid once for each.
 */
export const withAuthorities = (caFile: string | undefined): (<T>(settings: T) => T) => {
  if (caFile === undefined) return (settings) => settings;
  const known = new WeakMap<object, unknown>();
  return <T>(settings: T): T => {
    if (typeof settings !== 'object' || settings === null || !('tls_config' in settings)) return settings;
    const before = known.get(settings);
    // safe: what was made of these settings is of their type
    if (before !== undefined) return before as T;
    const { tls_config: tls } = settings;
    if (typeof tls !== 'object' || tls === null || 'ca' in tls || 'ca_file' in tls || 'extra_ca_file' in tls)
      return settings;
    const next = { ...settings, tls_config: { ...tls, extra_ca_file: caFile } };
    known.set(settings, next);
    return next;
  };
};
