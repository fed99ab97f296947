import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const templates = join(import.meta.dirname, "../../fixtures/omnibus");

/** The user and group that own the registry's files where the test runs as root. */
const REGISTRY_ID = 996;

/** A folder that looks like a host with GitLab's Linux package. */
export interface OmnibusHost {
  /** Stands for `/`. */
  root: string;
  /** `/var/opt/gitlab/registry/config.yml`. */
  configFile: string;
  /** `/opt/gitlab/etc/gitlab-registry/env`, for `--env-from`. */
  envFolder: string;
  /** The root folder of the registry's store, empty. */
  storageRoot: string;
  /** `/opt/gitlab/sv/registry`, with its `run` script. */
  serviceFolder: string;
  /** `/etc/gitlab/gitlab.rb`. */
  gitlabRb: string;
  /** Owner of the store and of the config; undefined where the test is not run by root. */
  ownerId: number | undefined;
  remove(): void;
}

/** What can be different from one host to the other. */
export interface OmnibusOptions {
  /** `http.addr`, as the package sets it unless told otherwise. */
  addr?: string;
  /** Leaves `auth.token` out, as no package does: to serve what a test looks at. */
  withoutAuth?: boolean;
  /** `auth.token.realm`, as the package sets it unless told otherwise. */
  realm?: string;
  /** PEM; what lies at `auth.token.rootcertbundle`, nothing unless told otherwise. */
  tokenCertificate?: string;
  /** Variables of the service, each a file in its env folder. */
  env?: Readonly<Record<string, string>>;
}

/** Lays out a host under the system's temporary folder; `remove` takes it away. */
export function makeOmnibusHost(options: OmnibusOptions = {}): OmnibusHost {
  const root = mkdtempSync(join(tmpdir(), "omnibus-"));
  const ownerId = process.getuid?.() === 0 ? REGISTRY_ID : undefined;
  const values = {
    root,
    addr: options.addr ?? "localhost:5000",
    secret: "0123456789abcdef0123456789abcdef",
    realm: options.realm ?? "https://gitlab.example.com/jwt/auth",
  };
  const write = (path: string, content: string, mode: number, owned = false): string => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    if (owned && ownerId !== undefined) chownSync(file, ownerId, ownerId);
    return file;
  };
  const folder = (path: string, mode: number, owned = false): string => {
    const made = join(root, path);
    mkdirSync(made, { recursive: true });
    chmodSync(made, mode);
    if (owned && ownerId !== undefined) chownSync(made, ownerId, ownerId);
    return made;
  };

  chmodSync(root, 0o755);
  folder("var/opt/gitlab/registry", 0o755, true);
  const storageRoot = folder("var/opt/gitlab/gitlab-rails/shared/registry", 0o770, true);
  const envFolder = folder("opt/gitlab/etc/gitlab-registry/env", 0o755);
  const variables = { SSL_CERT_DIR: "/opt/gitlab/embedded/ssl/certs/", ...options.env };
  for (const [name, value] of Object.entries(variables))
    write(join("opt/gitlab/etc/gitlab-registry/env", name), value, 0o640);
  const rendered = render("config.yml.template", values);
  const config = options.withoutAuth === true ? rendered.replace(/^auth:\n(?: .*\n)+/m, "") : rendered;
  write("opt/gitlab/sv/registry/run", render("run.template", values), 0o755);
  folder("opt/gitlab/service", 0o755);
  symlinkSync("../sv/registry", join(root, "opt/gitlab/service/registry"));
  folder("var/log/gitlab/registry", 0o700);
  write("var/opt/gitlab/registry/gitlab-registry.crt", options.tokenCertificate ?? "", 0o400, true);
  return {
    root,
    configFile: write("var/opt/gitlab/registry/config.yml", config, 0o640, true),
    envFolder,
    storageRoot,
    serviceFolder: join(root, "opt/gitlab/sv/registry"),
    gitlabRb: write("etc/gitlab/gitlab.rb", render("gitlab.rb.template", values), 0o600),
    ownerId,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function render(template: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(templates, template), "utf8");
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}
