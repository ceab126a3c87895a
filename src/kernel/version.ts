/** The version of this program, as in `package.json`. */
export const version = '0.1.0';

/**
 * What HTTP probes call themselves (RFC 9110, section 10.1.5), with the page that tells a stranger what they are. Without a version, so
 * that a firewall's rule stays true after an upgrade. That page's text is docs/identity.md.
 */
export const userAgent = 'Bothways (+https://bothways.io/probe)';
