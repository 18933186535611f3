/**
 * Names of containers by their id, from the files in which runtimes keep their state. A name is what somebody called
 * it: hostile text, and as true as the file's owner.
 */
import { decodeHostile } from '../core/text.ts';
import type { ProcFs } from './proc-fs.ts';

/** Octets read of one state file; a larger one is left out. */
const MOST_OCTETS = 4 << 20;
const MOST_KNOWN = 4096;
/** A container without a name is asked for again after this long: its files may be written after its start. */
const RETRY_US = 30_000_000;
const ID = /^[0-9a-f]{64}$/;
const STORAGES = ['overlay', 'vfs', 'btrfs', 'zfs'];
const CONTAINERD = 'run/containerd/io.containerd.runtime.v2.task';

type Json = Readonly<Record<string, unknown>>;

export class ContainerNames {
  readonly #root: ProcFs;
  readonly #nowUs: () => number;
  readonly #known = new Map<string, { readonly name: string | null; readonly retryUs: number }>();

  /** @param root of the host's files, '/'; @param nowUs CLOCK_BOOTTIME */
  constructor(root: ProcFs, nowUs: () => number) {
    this.#root = root;
    this.#nowUs = nowUs;
  }

  /**
   * @param container as linux/cgroup.ts gives it; of LXC and nspawn it is the name already
   * @param cgroup path, which tells the user of a rootless container
   * @returns of Kubernetes NAMESPACE/POD/CONTAINER; null: no file tells it, or it may not be read
   */
  nameOf(container: string, cgroup: string): string | null {
    if (!ID.test(container)) return container;
    const known = this.#known.get(container);
    const now = this.#nowUs();
    if (known !== undefined && now < known.retryUs) return known.name;
    const name = this.#read(container, cgroup);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < MOST_KNOWN) break;
      this.#known.delete(oldest);
    }
    this.#known.set(container, { name, retryUs: name === null ? now + RETRY_US : Infinity });
    return name;
  }

  #read(id: string, cgroup: string): string | null {
    const user = /\/user-(\d{1,10})\.slice\//.exec(cgroup)?.[1];
    if (user !== undefined) return this.#podmanOf(id, this.#homeOf(user)); // never by a file of another user
    return this.#kubernetes(id) ?? this.#docker(id) ?? this.#podman(id) ?? this.#containerd(id);
  }

  /** The kubelet's links POD_NAMESPACE_CONTAINER-ID.log, whatever the runtime. */
  #kubernetes(id: string): string | null {
    for (const file of this.#root.readDir('var/log/containers') ?? []) {
      if (!file.endsWith(`-${id}.log`)) continue;
      const [pod, namespace, container] = file.slice(0, -`-${id}.log`.length).split('_');
      if (pod && namespace && container) return latin1(`${namespace}/${pod}/${container}`);
    }
    return null;
  }

  #docker(id: string): string | null {
    const state = this.#json(`var/lib/docker/containers/${id}/config.v2.json`);
    const labels = record(record(state?.Config)?.Labels);
    return kubernetesName(labels, 'io.kubernetes.pod.', 'io.kubernetes.container.') ?? text(state?.Name, /^\//);
  }

  #podman(id: string): string | null {
    const annotations = this.#annotations(`run/containers/storage/overlay-containers/${id}/userdata`); // CRI-O
    const pod = kubernetesName(annotations, 'io.kubernetes.pod.', 'io.kubernetes.container.');
    return pod ?? this.#podmanOf(id, 'var/lib/containers');
  }

  /** @param folder that holds `storage`; null: there is none */
  #podmanOf(id: string, folder: string | null): string | null {
    for (const driver of folder === null ? [] : STORAGES) {
      const all = this.#parse(`${folder}/storage/${driver}-containers/containers.json`);
      for (const entry of Array.isArray(all) ? all : []) {
        const container = record(entry);
        const names: unknown = container?.id === id ? container.names : undefined;
        if (Array.isArray(names)) return text(names[0]);
      }
    }
    return null;
  }

  #containerd(id: string): string | null {
    for (const namespace of this.#root.readFolders(CONTAINERD) ?? []) {
      const annotations = this.#annotations(`${CONTAINERD}/${namespace}/${id}`);
      const pod = kubernetesName(annotations, 'io.kubernetes.cri.sandbox-', 'io.kubernetes.cri.container-');
      const name = pod ?? text(annotations?.['nerdctl/name']);
      if (name !== null) return name;
    }
    return null;
  }

  /** Of the OCI runtime's config.json. */
  #annotations(folder: string): Json | undefined {
    return record(this.#json(`${folder}/config.json`)?.annotations);
  }

  #homeOf(uid: string): string | null {
    for (const line of (this.#root.readText('etc/passwd', MOST_OCTETS) ?? '').split('\n')) {
      const fields = line.split(':');
      if (fields[2] === uid && fields[5]?.startsWith('/')) return `${fields[5].slice(1)}/.local/share/containers`;
    }
    return null;
  }

  #json(path: string): Json | undefined {
    return record(this.#parse(path));
  }

  #parse(path: string): unknown {
    const bytes = this.#root.read(path, MOST_OCTETS + 1);
    if (bytes === undefined || bytes.length > MOST_OCTETS) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      return undefined; // half written, or not JSON
    }
  }
}

function kubernetesName(of: Json | undefined, pod: string, container: string): string | null {
  const words = [of?.[`${pod}namespace`], of?.[`${pod}name`], of?.[`${container}name`]].map((word) => text(word));
  return words[0] == null || words[1] == null ? null : words.filter((word) => word !== null).join('/');
}

function record(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** A name that somebody chose; null for what is none. @param prefix left out */
function text(value: unknown, prefix = /^$/): string | null {
  if (typeof value !== 'string') return null;
  const name = decodeHostile(Buffer.from(value.replace(prefix, ''), 'utf8'));
  return name === '' ? null : name;
}

const latin1 = (octets: string): string => decodeHostile(Buffer.from(octets, 'latin1'));
