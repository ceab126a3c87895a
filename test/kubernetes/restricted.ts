/** A pod's specification, as far as the profile is about it. */
type Container = {
  readonly name: string;
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly procMount?: string;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly seccompProfile?: { readonly type?: string };
    readonly appArmorProfile?: { readonly type?: string };
    readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
    readonly windowsOptions?: { readonly hostProcess?: boolean };
  };
  readonly livenessProbe?: Handler;
  readonly readinessProbe?: Handler;
  readonly startupProbe?: Handler;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler };
};
type Handler = { readonly httpGet?: { readonly host?: string }; readonly tcpSocket?: { readonly host?: string } };

/** See {@link Container}. */
export type PodSpec = {
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: Omit<NonNullable<Container['securityContext']>, 'capabilities'> & {
    readonly sysctls?: readonly { readonly name: string }[];
  };
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
};

const sysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]);
const volumes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const seLinux = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

const all = (pod: PodSpec): readonly Container[] => [
  ...pod.containers,
  ...(pod.initContainers ?? []),
  ...(pod.ephemeralContainers ?? []),
];
const every = (pod: PodSpec, holds: (container: Container) => boolean): boolean => all(pod).every(holds);
/** The pod's own context and those of its containers. */
const contexts = (pod: PodSpec) => [pod.securityContext, ...all(pod).map(({ securityContext }) => securityContext)];
const seccomp = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

/**
 * The rules of the restricted profile, those of baseline among them, by their names: whether a pod keeps one.
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export const restrictedRules: Readonly<Record<string, (pod: PodSpec) => boolean>> = {
  HostProcess: (pod) => contexts(pod).every((one) => one?.windowsOptions?.hostProcess !== true),
  'Host Namespaces': ({ hostNetwork, hostPID, hostIPC }) => ![hostNetwork, hostPID, hostIPC].includes(true),
  'Privileged Containers': (pod) => every(pod, (one) => one.securityContext?.privileged !== true),
  'HostPath Volumes': ({ volumes: list = [] }) => list.every((one) => !('hostPath' in one)),
  'Host Ports': (pod) => every(pod, ({ ports = [] }) => ports.every(({ hostPort = 0 }) => hostPort === 0)),
  'Host Probes / Lifecycle Hooks': (pod) =>
    every(pod, ({ livenessProbe, readinessProbe, startupProbe, lifecycle }) =>
      [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].every(
        (one) => (one?.httpGet?.host ?? '') === '' && (one?.tcpSocket?.host ?? '') === '',
      ),
    ),
  AppArmor: (pod) => contexts(pod).every((one) => one?.appArmorProfile?.type !== 'Unconfined'),
  SELinux: (pod) =>
    contexts(pod).every(
      ({ seLinuxOptions: { type = '', user = '', role = '' } = {} } = {}) =>
        seLinux.has(type) && user === '' && role === '',
    ),
  '/proc Mount Type': (pod) => every(pod, (one) => (one.securityContext?.procMount ?? 'Default') === 'Default'),
  Sysctls: ({ securityContext }) => (securityContext?.sysctls ?? []).every(({ name }) => sysctls.has(name)),
  'Volume Types': ({ volumes: list = [] }) =>
    list.every((one) => Object.keys(one).every((key) => key === 'name' || volumes.has(key))),
  'Privilege Escalation': (pod) => every(pod, (one) => one.securityContext?.allowPrivilegeEscalation === false),
  'Running as Non-root': (pod) =>
    every(pod, (one) => (one.securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true),
  'Running as Non-root user': (pod) => contexts(pod).every((one) => one?.runAsUser !== 0),
  Seccomp: (pod) =>
    every(pod, (one) =>
      seccomp(one.securityContext?.seccompProfile?.type ?? pod.securityContext?.seccompProfile?.type),
    ),
  Capabilities: (pod) =>
    every(pod, (one) => {
      const { add = [], drop = [] } = one.securityContext?.capabilities ?? {};
      return drop.includes('ALL') && add.every((name) => name === 'NET_BIND_SERVICE');
    }),
};

/** The rules of the restricted profile that a pod breaks. */
export const broken = (pod: PodSpec): readonly string[] =>
  Object.entries(restrictedRules).flatMap(([name, keeps]) => (keeps(pod) ? [] : [name]));
