import type { HttpSettings } from "../../config/settings.ts";

/** Below the root folder; nginx's own packages and Debian's read what is in that folder. */
export const NGINX_FILE = "/etc/nginx/conf.d/registry.conf";

/** What nginx answers for. */
export interface NginxSite {
  http: HttpSettings;
  /** Where the registry listens if the configuration does not say. */
  defaultAddr: string;
  /** Paths of the certificate chain and its key; used where clients come by https. */
  certificate?: string | undefined;
  key?: string | undefined;
}

/** Where certificates are looked for that nobody has named. */
const CERTIFICATE_FOLDER = "/etc/nginx/ssl";

/**
 * A site that stands in front of the registry: bodies of any size go on unbuffered in both directions, and the registry is
 * told by headers what the client has called, so that its own addresses in answers are right.
 *
 * @see https://distribution.github.io/distribution/recipes/nginx/
 */
export function nginxSite(site: NginxSite): string {
  const { http } = site;
  const { name, isHttps, port } = publicAddress(http.host);
  const listen = isHttps ? `${port} ssl` : port;
  const certificate = site.certificate ?? `${CERTIFICATE_FOLDER}/${name}.crt`;
  const key = site.key ?? `${CERTIFICATE_FOLDER}/${name}.key`;
  return [
    "# Made by registry-ctl reconfigure --write nginx.",
    ...upstream(site),
    "",
    "server {",
    `  listen ${listen};`,
    `  listen [::]:${listen};`,
    `  server_name ${name};`,
    "  server_tokens off;",
    ...(isHttps
      ? [
          "",
          `  ssl_certificate ${word(certificate)};`,
          `  ssl_certificate_key ${word(key)};`,
          "  ssl_protocols TLSv1.2 TLSv1.3;",
          "  ssl_session_cache shared:registry:10m;",
          "  ssl_session_timeout 1d;",
        ]
      : []),
    "",
    "  # Layers are as large as they are.",
    "  client_max_body_size 0;",
    "  chunked_transfer_encoding on;",
    "",
    `  location ${word(http.prefix)} {`,
    `    proxy_pass ${http.tls ? "https" : "http"}://registry-ctl;`,
    "    proxy_http_version 1.1;",
    '    proxy_set_header Connection "";',
    "    proxy_set_header Host $http_host;",
    "    proxy_set_header X-Real-IP $remote_addr;",
    "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "    proxy_set_header X-Forwarded-Proto $scheme;",
    "    proxy_buffering off;",
    "    proxy_request_buffering off;",
    "    proxy_read_timeout 900;",
    "    proxy_send_timeout 900;",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** @returns paths of files that nginx would not find, for people to see to */
export function missingForNginx(site: NginxSite, exists: (path: string) => boolean): string[] {
  const { name, isHttps } = publicAddress(site.http.host);
  if (!isHttps) return [];
  const { certificate = `${CERTIFICATE_FOLDER}/${name}.crt`, key = `${CERTIFICATE_FOLDER}/${name}.key` } =
    site;
  return [certificate, key].filter((path) => !exists(path));
}

function upstream({ http, defaultAddr }: NginxSite): string[] {
  const addr = http.addr === "" ? defaultAddr : http.addr;
  const server =
    http.net === "unix" ? `unix:${addr}` : addr.replace(/^(?:0\.0\.0\.0|\[::\]|localhost)?:/, "127.0.0.1:");
  // Without kept connections each request would cost one more, and one more port.
  return ["upstream registry-ctl {", `  server ${word(server)};`, "  keepalive 32;", "}"];
}

/** What `http.host` says of the address that clients use. */
function publicAddress(host: string): { name: string; isHttps: boolean; port: string } {
  try {
    const url = new URL(host);
    const isHttps = url.protocol === "https:";
    return { name: url.hostname, isHttps, port: url.port || (isHttps ? "443" : "80") };
  } catch {
    return { name: "_", isHttps: false, port: "80" };
  }
}

function word(text: string): string {
  return /^[\w./:@%+=,[\]-]+$/.test(text) ? text : `"${text.replaceAll(/["\\$]/g, "\\$&")}"`;
}
